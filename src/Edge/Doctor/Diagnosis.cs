namespace Vlm.Edge.Doctor;

/// <summary>What is looked at, in the order of the report. In JSON in snake case.</summary>
internal enum Topic
{
    Engine,
    Provider,
    Processor,
    Memory,
    Fonts,
    Libstdcxx,
    Certificates,
    Disk,
    Clock,
    Model,
    Gate,
    Tier,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Topic">What it belongs to.</param>
/// <param name="Item">Which one, where there are several; else empty.</param>
/// <param name="IsUsable">Whether it can be used.</param>
/// <param name="IsNeeded">Whether the configuration needs it.</param>
/// <param name="Found">What was found.</param>
/// <param name="ToDo">What to do about it; null when there is nothing to do.</param>
internal sealed record Diagnosis(Topic Topic, string Item, bool IsUsable, bool IsNeeded, string Found, string? ToDo = null)
{
    /// <summary>Whether the box cannot do its work like this.</summary>
    public bool IsFault => IsNeeded && !IsUsable;

    /// <summary>Something that can be used.</summary>
    public static Diagnosis Usable(Topic topic, string item, string found, bool isNeeded = true) => new(topic, item, true, isNeeded, found);

    /// <summary>Something that cannot.</summary>
    public static Diagnosis Unusable(Topic topic, string item, bool isNeeded, string found, string toDo) => new(topic, item, false, isNeeded, found, toDo);
}

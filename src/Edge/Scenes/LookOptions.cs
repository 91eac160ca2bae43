using Vlm.Hosting;

namespace Vlm.Edge.Scenes;

/// <summary>When a camera's picture is looked at, and when what was read is believed.</summary>
internal sealed record LookOptions
{
    /// <summary>Equal readings of different frames that are published; 1 to 10; 2 by default.</summary>
    public int Readings { get; init; } = 2;

    /// <summary>Frames without movement after a change, before it is looked at; 0 to 100; 3 by default.</summary>
    public int QuietFrames { get; init; } = 3;

    /// <summary>Looks a minute; 0.1 to 6,000; 30 by default. After a quiet time six may follow at once.</summary>
    public double PerMinute { get; init; } = 30;

    /// <summary>Age of a frame in seconds above which nobody looks at it; 0.1 to 3,600; 10 by default.</summary>
    public double MaxAgeSeconds { get; init; } = 10;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems() => Check.Ranges(
        ("readings", Readings, 1, 10), ("quiet_frames", QuietFrames, 0, 100), ("per_minute", PerMinute, 0.1, 6000),
        ("max_age_seconds", MaxAgeSeconds, 0.1, 3600));
}

using Vlm.Engine;
using Vlm.Hosting;
using Vlm.Solving;

namespace Vlm.Escalation.Work;

/// <summary>The model package.</summary>
internal sealed record ModelOptions
{
    /// <summary>Folder of the package. Required.</summary>
    public string? Path { get; init; }

    /// <summary>The name that clients ask for. Default: the name of the folder.</summary>
    public string? Name { get; init; }

    /// <summary>The library that runs it: ort (the default) or, in builds that have it, genai.</summary>
    public EngineKind Engine { get; init; }

    /// <summary>What computes: auto (the default), cpu or, in builds that have them, cuda or directml.</summary>
    public ProviderKind Provider { get; init; }

    /// <summary>Threads per operator, 0 (one per processor, the default) to 256.</summary>
    public int Threads { get; init; }

    /// <summary>When the sheet is cut out of the picture first: auto (the default, where it is a small part of it), always or never.</summary>
    public FindMode Find { get; init; }

    /// <summary>Folder of the sheet finder's package. Default: none; pictures are then read as they are.</summary>
    public string? Finder { get; init; }

    /// <summary>How sheets are looked for; null where pictures are read as they are.</summary>
    public SheetSearch? ToSearch() => Finder is null ? null : new SheetSearch(Finder, Find);

    /// <summary>The name that is served.</summary>
    public string ServedName => Name ?? System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(Path ?? ""));

    /// <summary>How the engine uses the machine.</summary>
    public EngineOptions ToEngine() => new() { Kind = Engine, Provider = Provider, Threads = Threads };

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Path)) yield return "path: expected the folder of a model package, found nothing";
        foreach (var problem in Check.Ranges(("threads", Threads, 0, 256))) yield return problem;
    }
}

/// <summary>The queue before the one worker, and its batches.</summary>
internal sealed record QueueOptions
{
    /// <summary>Requests that may wait; the next one is answered 429. 1 to 4096, default 64.</summary>
    public int Capacity { get; init; } = 64;

    /// <summary>Questions answered together at most, 1 to 64. Default 4: more lengthen the tail and answer no more (EXPERIMENTS.md).</summary>
    public int Batch { get; init; } = 4;

    /// <summary>Milliseconds that a batch waits for others that are on their way, 0 to 1000. A request that is alone does not wait. Default 5.</summary>
    public int WindowMilliseconds { get; init; } = 5;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems() =>
        Check.Ranges(("capacity", Capacity, 1, 4096), ("batch", Batch, 1, 64), ("window_milliseconds", WindowMilliseconds, 0, 1000));
}

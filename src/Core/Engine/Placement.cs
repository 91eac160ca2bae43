namespace Vlm.Engine;

/// <summary>What a package's graphs are computed by.</summary>
public enum ProviderKind
{
    /// <summary>The best that this build and this machine have; the processor where nothing else can be had or where it fails in a run.</summary>
    Auto,

    /// <summary>The processor.</summary>
    Cpu,

    /// <summary>An NVIDIA graphics card; only in builds with <c>-p:Accelerator=cuda</c>.</summary>
    Cuda,

    /// <summary>A graphics card under Windows; only in builds with <c>-p:Accelerator=directml</c>.</summary>
    Directml,
}

/// <summary>Why a package runs where it runs. Also a metric label, in snake case.</summary>
public enum PlacementReason
{
    /// <summary>It was asked for by name.</summary>
    Asked,

    /// <summary>The build has nothing else.</summary>
    OnlyOne,

    /// <summary>The build has it and the machine has what it needs.</summary>
    Found,

    /// <summary>The engine runs on the processor only.</summary>
    EngineHasNone,

    /// <summary>The machine lacks a library of the provider.</summary>
    LibraryMissing,

    /// <summary>The provider's libraries are there, but it did not start.</summary>
    DidNotStart,

    /// <summary>The provider failed in the middle of a run.</summary>
    FailedWhileRunning,
}

/// <summary>Where a package runs, and why there.</summary>
/// <param name="Provider">Never <see cref="ProviderKind.Auto"/>.</param>
/// <param name="Reason">Why, for programs.</param>
/// <param name="Why">Why, for people: a sentence without its full stop; what to do about it comes after a semicolon.</param>
public sealed record Placement(ProviderKind Provider, PlacementReason Reason, string Why)
{
    /// <summary>Whether something better than the processor was looked for and not had.</summary>
    public bool IsFallback => Reason is PlacementReason.LibraryMissing or PlacementReason.DidNotStart or PlacementReason.FailedWhileRunning;

    /// <summary>One line: what runs where, and why.</summary>
    public override string ToString() => $"Runs on {Name(Provider)}: {Why}.";

    /// <summary>The processor in place of a provider that was tried.</summary>
    internal Placement FallBack(PlacementReason reason, string error) => new(ProviderKind.Cpu, reason, reason == PlacementReason.FailedWhileRunning
        ? $"{Name(Provider)} failed in the middle of a run, and the question was answered again; {error.TrimEnd('.')}"
        : $"{Name(Provider)} did not start; {error.TrimEnd('.')}");

    /// <summary>A provider in words.</summary>
    internal static string Name(ProviderKind provider) => provider switch
    {
        ProviderKind.Cuda => "CUDA",
        ProviderKind.Directml => "DirectML",
        _ => "the CPU",
    };
}

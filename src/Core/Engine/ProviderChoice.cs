namespace Vlm.Engine;

/// <summary>A library that a provider needs and this machine does not have.</summary>
/// <param name="What">What it belongs to, in words: "the CUDA 13 runtime".</param>
/// <param name="File">Its name, as the system's loader looks for it.</param>
public sealed record MissingLibrary(string What, string File);

/// <summary>What the choice of a provider depends on, beside what was asked for.</summary>
/// <param name="Engine">The library that runs the package.</param>
/// <param name="Built">What this build has beside the processor; null when it has nothing.</param>
/// <param name="Missing">Libraries that <paramref name="Built"/> needs and this machine lacks.</param>
public sealed record ProviderFacts(EngineKind Engine, ProviderKind? Built, IReadOnlyList<MissingLibrary> Missing);

/// <summary>What came of a choice.</summary>
public abstract record ProviderDecision
{
    private ProviderDecision() { }

    /// <summary>It can be tried.</summary>
    public sealed record Use(Placement Placement) : ProviderDecision;

    /// <summary>What was asked for by name cannot be had; the message says what to do.</summary>
    public sealed record Refuse(string Message) : ProviderDecision;
}

/// <summary>Where a package is to run: pure. A provider asked for by name is used or refused; <see cref="ProviderKind.Auto"/> falls back.</summary>
public static class ProviderChoice
{
    /// <summary>Decides.</summary>
    /// <param name="wanted">What was asked for.</param>
    /// <param name="facts">What there is.</param>
    public static ProviderDecision Decide(ProviderKind wanted, ProviderFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return wanted switch
        {
            ProviderKind.Cpu => Use(ProviderKind.Cpu, PlacementReason.Asked, "it was asked for"),
            ProviderKind.Auto => new ProviderDecision.Use(Best(facts)),
            _ => Named(wanted, facts),
        };
    }

    /// <summary>What is to be installed for a provider.</summary>
    public static string ToInstall(ProviderKind provider) => provider switch
    {
        ProviderKind.Cuda when OperatingSystem.IsWindows() =>
            "install an NVIDIA driver (580 or later) and the CUDA Toolkit 13, and put its bin\\x64 on the PATH",
        ProviderKind.Cuda =>
            "install an NVIDIA driver (580 or later) and, from NVIDIA's repository, cuda-cudart-13-0, libcublas-13-0 and libcurand-13-0",
        ProviderKind.Directml => "use Windows 10 1903 or later with a DirectX 12 graphics driver",
        _ => throw new ArgumentOutOfRangeException(nameof(provider), provider, "Nothing needs to be installed for it."),
    };

    private static ProviderDecision Named(ProviderKind wanted, ProviderFacts facts)
    {
        var name = wanted.ToString().ToLowerInvariant();
        if (facts.Engine == EngineKind.Genai)
        {
            return new ProviderDecision.Refuse(
                $"The engine 'genai' runs on the CPU only: its libraries for graphics cards are in no build. "
                + $"Ask for the engine 'ort', or for the provider 'cpu', not '{name}'.");
        }
        if (facts.Built != wanted)
        {
            return new ProviderDecision.Refuse(
                $"This build does not have the provider '{name}'. Build with -p:Accelerator={name}, or ask for 'cpu' or 'auto'.");
        }
        return facts.Missing.Count == 0
            ? Use(wanted, PlacementReason.Asked, "it was asked for")
            : new ProviderDecision.Refuse(
                $"The provider '{name}' cannot run here: {List(facts.Missing)} cannot be loaded. To use it, {ToInstall(wanted)}; or ask for 'cpu' or 'auto'.");
    }

    private static Placement Best(ProviderFacts facts) => facts switch
    {
        { Built: null } => new Placement(ProviderKind.Cpu, PlacementReason.OnlyOne,
            "this build has nothing else; build with -p:Accelerator=cuda for an NVIDIA graphics card"),
        { Engine: EngineKind.Genai } => new Placement(ProviderKind.Cpu, PlacementReason.EngineHasNone, "the engine 'genai' has nothing else"),
        { Built: { } built, Missing: { Count: > 0 } missing } => new Placement(ProviderKind.Cpu, PlacementReason.LibraryMissing,
            $"{Placement.Name(built)} needs {List(missing)}, which cannot be loaded; to use it, {ToInstall(built)}"),
        { Built: { } built } => new Placement(built, PlacementReason.Found, "this build has it and this machine has its libraries"),
    };

    /// <summary>"the CUDA 13 runtime (libcudart.so.13), cuBLAS (libcublas.so.13, libcublasLt.so.13)".</summary>
    private static string List(IReadOnlyList<MissingLibrary> missing) => string.Join(
        ", ", missing.GroupBy(library => library.What).Select(group => $"{group.Key} ({string.Join(", ", group.Select(library => library.File))})"));

    private static ProviderDecision.Use Use(ProviderKind provider, PlacementReason reason, string why) => new(new Placement(provider, reason, why));
}

using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Bench.Quality;

/// <summary>What a quality run measures.</summary>
/// <param name="Model">Folder of the package.</param>
/// <param name="Split">An evaluation split.</param>
public sealed record QualityOptions(string Model, Split Split)
{
    public required int Count { get; init; }

    public required int Batch { get; init; }

    public required long Seed { get; init; }

    /// <summary>Of camera pictures; without meaning for other splits.</summary>
    public required SeverityRange Severity { get; init; }

    /// <summary>What is the matter with the pictures.</summary>
    public Stratum Stratum { get; init; }

    /// <summary>Whether replies are held to their layout, as the box does it.</summary>
    public required bool IsConstrained { get; init; }

    /// <summary>How sheets are looked for.</summary>
    public required SheetSearch Search { get; init; }

    /// <summary>Folder of the reports; each processor has its own in it.</summary>
    public required string Results { get; init; }
}

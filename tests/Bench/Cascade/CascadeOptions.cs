using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Bench.Cascade;

/// <summary>What a cascade run measures.</summary>
/// <param name="Edge">Folder of the small model's package, with its gate.</param>
/// <param name="Larger">Folder of the larger model's package.</param>
/// <param name="Split">An evaluation split.</param>
public sealed record CascadeOptions(string Edge, string Larger, Split Split)
{
    public required int Count { get; init; }

    public required long Seed { get; init; }

    /// <summary>Of camera pictures; without meaning for other splits.</summary>
    public required SeverityRange Severity { get; init; }

    /// <summary>What is the matter with the pictures.</summary>
    public Stratum Stratum { get; init; }

    /// <summary>How sheets are looked for, for both models.</summary>
    public required SheetSearch Search { get; init; }

    /// <summary>Folder of the reports; each processor has its own in it.</summary>
    public required string Results { get; init; }
}

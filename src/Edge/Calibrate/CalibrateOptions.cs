using Vlm.Engine;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Edge.Calibrate;

/// <summary>What is calibrated, on what, and to which promise.</summary>
internal sealed record CalibrateOptions
{
    /// <summary>Folder of the package.</summary>
    public required string Model { get; init; }

    /// <summary>α: the greatest share of wrong answers among the accepted ones.</summary>
    public required double Risk { get; init; }

    /// <summary>δ: how likely an unlucky draw may break the promise.</summary>
    public required double Delta { get; init; }

    /// <summary>A folder with pictures and a codes.csv with answers; null to draw puzzles of <see cref="Split"/>.</summary>
    public required string? Data { get; init; }

    public required Split Split { get; init; }

    public required SeverityRange Severity { get; init; }

    /// <summary>How many pictures are drawn of which kind; without meaning for a folder, which is used whole.</summary>
    public required IReadOnlyList<StratumCount> Strata { get; init; }

    /// <summary>How many whole sheets somewhere in a larger frame are drawn; they have a promise of their own.</summary>
    public required int Scenes { get; init; }

    /// <summary>The kinds of pictures that something is promised for.</summary>
    public required IReadOnlyList<Stratum> Promised { get; init; }

    /// <summary>The share of the readable answers whose acceptance is enough.</summary>
    public required double Coverage { get; init; }

    /// <summary>Seed of the drawn puzzles and of the division into fit, certify and report.</summary>
    public required long Seed { get; init; }

    public required int Batch { get; init; }

    /// <summary>What runs the packages: what is certified is its answers.</summary>
    public required EngineOptions Engine { get; init; }

    /// <summary>How sheets are looked for: it is certified with that.</summary>
    public required SheetSearch Search { get; init; }

    /// <summary>Folder of the package that escalated puzzles would go to; null when it is not to be measured.</summary>
    public required string? Larger { get; init; }

    /// <summary>Folder of the report and of the measured answers.</summary>
    public required string Runs { get; init; }
}

/// <summary>How many pictures of one kind.</summary>
internal readonly record struct StratumCount(Stratum Stratum, int Count);

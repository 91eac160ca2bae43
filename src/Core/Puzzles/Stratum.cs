namespace Vlm.Puzzles;

/// <summary>What is the matter with a picture. Beside split and severity it names a kind of puzzle; the values are part of every such puzzle's seed.</summary>
public enum Stratum
{
    /// <summary>Nothing: all 26 pairs are there and can be read.</summary>
    Whole,

    /// <summary>1 to 25 pairs are missing.</summary>
    Absent,

    /// <summary>Letters or pairs lie under blots, fingers, glare, tears, or beyond the frame's edge.</summary>
    Covered,

    /// <summary>A coded letter is drawn with two plain letters, or a plain letter with two coded ones.</summary>
    Contradictory,

    /// <summary>Arrows point to the left, or a heading says which letter is the plain one. Can be read, if that is read.</summary>
    Reversed,

    /// <summary>No decoder: dark, blank, noise, scenes, prose, tables of other things, other scripts.</summary>
    Empty,

    /// <summary>Two sheets: readable when one is plainly meant, larger and whole; otherwise they contradict each other.</summary>
    Two,
}

/// <summary>Shares of the strata; they need not add up to 1.</summary>
public sealed record StratumMix
{
    /// <summary>Weight of <see cref="Stratum.Whole"/>.</summary>
    public double Whole { get; init; } = 1;

    /// <summary>Weight of <see cref="Stratum.Absent"/>.</summary>
    public double Absent { get; init; }

    /// <summary>Weight of <see cref="Stratum.Covered"/>.</summary>
    public double Covered { get; init; }

    /// <summary>Weight of <see cref="Stratum.Contradictory"/>.</summary>
    public double Contradictory { get; init; }

    /// <summary>Weight of <see cref="Stratum.Reversed"/>.</summary>
    public double Reversed { get; init; }

    /// <summary>Weight of <see cref="Stratum.Empty"/>.</summary>
    public double Empty { get; init; }

    /// <summary>Weight of <see cref="Stratum.Two"/>.</summary>
    public double Two { get; init; }

    /// <summary>One stratum alone.</summary>
    public static StratumMix Only(Stratum stratum)
    {
        double Share(Stratum other) => stratum == other ? 1 : 0;
        return new StratumMix
        {
            Whole = Share(Stratum.Whole),
            Absent = Share(Stratum.Absent),
            Covered = Share(Stratum.Covered),
            Contradictory = Share(Stratum.Contradictory),
            Reversed = Share(Stratum.Reversed),
            Empty = Share(Stratum.Empty),
            Two = Share(Stratum.Two),
        };
    }

    /// <summary>[7] the weights in the order of <see cref="Stratum"/>.</summary>
    internal double[] Weights => [Whole, Absent, Covered, Contradictory, Reversed, Empty, Two];
}

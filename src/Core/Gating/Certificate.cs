using Vlm.Solving;

namespace Vlm.Gating;

/// <summary>
/// What a gate promises and what the promise rests on: with probability 1 - <see cref="Delta"/> over the draw of the certifying puzzles, for puzzles
/// exchangeable with them, at most a share <see cref="Risk"/> of the accepted answers to readable pictures is wrong, and of each kind of picture that cannot
/// be read at most such a share is accepted at all; both together.
/// </summary>
public sealed record Certificate
{
    /// <summary>What whole sheets somewhere in a larger frame are called in <see cref="Strata"/>.</summary>
    public const string Scenes = "scene";

    /// <summary>α: the greatest share of wrong answers among the accepted ones, above 0 and below 1.</summary>
    public required double Risk { get; init; }

    /// <summary>δ: how likely the promise may be broken by an unlucky draw, above 0 and below 1.</summary>
    public required double Delta { get; init; }

    /// <summary>n: answers to readable pictures of the certifying split that the threshold accepts.</summary>
    public required int Accepted { get; init; }

    /// <summary>k: wrong ones among them.</summary>
    public required int Errors { get; init; }

    /// <summary>P(Binomial(n, α) ≤ k), at most δ.</summary>
    public required double PValue { get; init; }

    /// <summary>Accepted share of the readable pictures of the certifying split, answers with hard failures included in the whole.</summary>
    public required double Coverage { get; init; }

    /// <summary>Every kind of picture that the promise is for, as counted on the certifying split; the readable ones first, together.</summary>
    public required IReadOnlyList<CertifiedStratum> Strata { get; init; }

    /// <summary>Kinds of pictures of which nothing is promised.</summary>
    public required IReadOnlyList<string> NotPromised { get; init; }

    /// <summary>The threshold that the older guarantee (SGR) certifies on the same split; null when it certifies none. A check, not used.</summary>
    public double? SgrThreshold { get; init; }

    /// <summary>Puzzles used to fit, to certify and to report; no puzzle is in two of them.</summary>
    public required SplitSizes Splits { get; init; }

    /// <summary>Seed of the division into splits.</summary>
    public required long SplitSeed { get; init; }

    /// <summary>What the puzzles were, for people: <c>camera, severity 0-3, seed 1, 5000 puzzles</c>.</summary>
    public required string DataSet { get; init; }

    /// <summary>SHA-256 over every puzzle's picture, code and answer, in order.</summary>
    public required string DataSetHash { get; init; }

    /// <summary>Fingerprint of the package that was measured.</summary>
    public required string ModelHash { get; init; }

    /// <summary>Its precision.</summary>
    public required string Precision { get; init; }

    /// <summary>How sheets were looked for, <see cref="SheetLook.Way"/>; null where pictures were read as they are.</summary>
    public string? Finding { get; init; }

    /// <summary><see cref="Calibrator.Hash"/> of the calibrator that the threshold belongs to.</summary>
    public required string CalibratorHash { get; init; }

    /// <summary>When it was certified, UTC.</summary>
    public required DateTimeOffset Date { get; init; }

    /// <summary>
    /// Whether an answer came about in a way that was measured: its sheet was looked for as then, or, where that was not done then, nothing was cut out. Sheets
    /// that were cut out are covered only where such were measured for themselves.
    /// </summary>
    public bool Covers(SheetLook? look) =>
        (Finding is null || look?.Way == Finding) && (look?.Sheet is null || (Finding is not null && Strata.Any(stratum => stratum.Name == Scenes)));
}

/// <summary>What the threshold does to one kind of picture.</summary>
/// <param name="Name">The kind: of readable pictures all that were measured, such as <c>whole, reversed</c>.</param>
/// <param name="Asked">Puzzles of the certifying split.</param>
/// <param name="Certified">Accepted ones.</param>
/// <param name="Wrong">Wrong ones among the accepted.</param>
/// <param name="PValue">Of "the promise for this kind is broken", by the exact binomial tail; at most δ.</param>
public sealed record CertifiedStratum(string Name, int Asked, int Certified, int Wrong, double PValue);

/// <summary>How many puzzles served which purpose.</summary>
/// <param name="Fit">For the calibrator and the order of thresholds.</param>
/// <param name="Certify">For the certificate.</param>
/// <param name="Report">For the figures of the report.</param>
public sealed record SplitSizes(int Fit, int Certify, int Report);

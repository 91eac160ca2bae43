using Vlm.Gating;
using Vlm.Statistics;

namespace Vlm.Edge.Calibrate;

/// <summary>How well a confidence works on the report split.</summary>
/// <param name="Accuracy">Share of right answers, everything accepted.</param>
/// <param name="Auroc">Null when all answers are right or all wrong.</param>
/// <param name="Aurc">Area under the risk-coverage curve.</param>
/// <param name="OracleAurc">The least possible area.</param>
/// <param name="Augrc">Area of the generalised risk.</param>
/// <param name="Brier">Mean squared error of the confidence.</param>
/// <param name="CalibrationError">Expected calibration error, bins of equal mass.</param>
internal sealed record ConfidenceFigures(double Accuracy, double? Auroc, double Aurc, double OracleAurc, double Augrc, double Brier, double CalibrationError)
{
    public const int Bins = 10;

    public static ConfidenceFigures Of(IReadOnlyList<ScoredAnswer> answers)
    {
        var curve = RiskCoverage.Of(answers);
        return new ConfidenceFigures(
            answers.Average(answer => answer.IsCorrect ? 1.0 : 0),
            Statistics.Auroc.Of(answers),
            curve.Aurc,
            curve.OracleAurc,
            curve.Augrc,
            Statistics.CalibrationError.Brier(answers),
            Statistics.CalibrationError.Expected(Statistics.CalibrationError.EqualMassBins(answers, Bins)));
    }
}

/// <summary>What becomes of a group of puzzles of the report split at the certified threshold.</summary>
/// <param name="Group">What they have in common.</param>
/// <param name="Count">Puzzles.</param>
/// <param name="Correct">Right answers of the package alone.</param>
/// <param name="Accepted">Answers that the gate accepts.</param>
/// <param name="Errors">Wrong ones among them.</param>
/// <param name="RiskBound">Clopper-Pearson upper bound of the accepted answers' risk, 95 %, for this group alone.</param>
/// <param name="Auroc">Null when all answers are right or all wrong.</param>
/// <param name="SystemCorrect">Right answers when the larger model answers what is not accepted; null when it was not measured.</param>
internal sealed record GroupFigures(
    string Group, int Count, int Correct, int Accepted, int Errors, double RiskBound, double? Auroc, int? SystemCorrect)
{
    /// <summary>Share of the puzzles that is accepted.</summary>
    public double Coverage => Count == 0 ? 0 : (double)Accepted / Count;

    /// <summary>Share of the accepted answers that is wrong.</summary>
    public double Risk => Accepted == 0 ? 0 : (double)Errors / Accepted;
}

/// <summary>What becomes of one kind of picture of the report split at the certified threshold.</summary>
/// <param name="Name">The stratum.</param>
/// <param name="Asked">Puzzles.</param>
/// <param name="Right">Answers that say what the picture shows; of a letter that it does not show, that it does not.</param>
/// <param name="Certified">Accepted answers.</param>
/// <param name="Wrong">Of them those that should not have been accepted; all where the picture cannot be read.</param>
internal sealed record StratumFigures(string Name, int Asked, int Right, int Certified, int Wrong)
{
    public required bool IsReadable { get; init; }

    /// <summary>
    /// Clopper-Pearson upper bound, 95 %, for this row alone: of the share of wrong answers among the accepted ones, or where nothing can be read of the
    /// share accepted.
    /// </summary>
    public required double UpperBound { get; init; }

    /// <summary>The wrong answers with the most confidence, at most five.</summary>
    public required IReadOnlyList<WorstAnswer> Worst { get; init; }
}

/// <summary>A wrong answer that was surer than others.</summary>
internal sealed record WorstAnswer(int Index, string Name, string Expected, string Answer, double Confidence);

/// <summary>What one set of signals is worth.</summary>
/// <param name="Signals">Which signals.</param>
/// <param name="Auroc">On the report split, all strata; null when all answers are right or all wrong.</param>
/// <param name="Aurc">On the report split, all strata.</param>
/// <param name="CertifiedCoverage">
/// Share of the readable pictures of the report split that the threshold certified for these signals accepts; null when none could be certified.
/// </param>
/// <param name="Risk">Share of wrong answers among those; null when there are none.</param>
internal sealed record AblationRow(string Signals, double? Auroc, double Aurc, double? CertifiedCoverage, double? Risk);

/// <summary>A point of a deferral curve.</summary>
/// <param name="Escalated">Share of the puzzles that go to the larger model, 0 to 1.</param>
/// <param name="Accuracy">Share of right answers of both models together.</param>
internal readonly record struct DeferralPoint(double Escalated, double Accuracy);

/// <summary>System accuracy against escalated share.</summary>
/// <param name="Gate">The least confident first.</param>
/// <param name="Oracle">Those first that only the larger model gets right.</param>
/// <param name="LargerAccuracy">Everything escalated; where the line of random escalation ends.</param>
internal sealed record DeferralCurve(IReadOnlyList<DeferralPoint> Gate, IReadOnlyList<DeferralPoint> Oracle, double LargerAccuracy)
{
    /// <param name="answers">Of the small model.</param>
    /// <param name="larger">Whether the larger model is right on the same puzzles.</param>
    public static DeferralCurve Of(IReadOnlyList<ScoredAnswer> answers, IReadOnlyList<bool> larger)
    {
        var pairs = answers.Zip(larger, (answer, isRight) => (answer.Confidence, Small: answer.IsCorrect ? 1 : 0, Large: isRight ? 1 : 0)).ToArray();
        return new DeferralCurve(
            Points([.. pairs.OrderBy(pair => pair.Confidence).Select(pair => (pair.Small, pair.Large))]),
            Points([.. pairs.OrderByDescending(pair => pair.Large - pair.Small).Select(pair => (pair.Small, pair.Large))]),
            pairs.Average(pair => pair.Large));
    }

    /// <summary>How much of what an oracle gains over random escalation the gate gains, as areas; null when there is nothing to gain.</summary>
    public double? Gain
    {
        get
        {
            var random = (Gate[0].Accuracy + LargerAccuracy) / 2;
            var most = Area(Oracle) - random;
            return most > 0 ? (Area(Gate) - random) / most : null;
        }
    }

    private static DeferralPoint[] Points((int Small, int Large)[] inOrder)
    {
        var points = new DeferralPoint[inOrder.Length + 1];
        var right = inOrder.Sum(pair => pair.Small);
        for (var escalated = 0; escalated <= inOrder.Length; escalated++)
        {
            points[escalated] = new DeferralPoint((double)escalated / inOrder.Length, (double)right / inOrder.Length);
            if (escalated < inOrder.Length) right += inOrder[escalated].Large - inOrder[escalated].Small;
        }

        return points;
    }

    private static double Area(IReadOnlyList<DeferralPoint> points) =>
        Enumerable.Range(1, points.Count - 1).Sum(i => (points[i - 1].Accuracy + points[i].Accuracy) / 2) / (points.Count - 1);
}

/// <summary>Everything that the report page says, from the report split but for the certificate itself.</summary>
internal sealed record CalibrationReport
{
    public required string Model { get; init; }

    public required Gate Gate { get; init; }

    public required ConfidenceFigures Confidence { get; init; }

    /// <summary>The readable pictures: all, then per severity where severities are known.</summary>
    public required IReadOnlyList<GroupFigures> Groups { get; init; }

    public required IReadOnlyList<StratumFigures> Strata { get; init; }

    /// <summary>JPEG files of the worst answers' pictures by index; empty when the page shows none.</summary>
    public IReadOnlyDictionary<int, byte[]> Pictures { get; init; } = new Dictionary<int, byte[]>();

    public required IReadOnlyList<AblationRow> Ablation { get; init; }

    public required IReadOnlyList<RiskPoint> RiskCoverage { get; init; }

    public required IReadOnlyList<ReliabilityBin> Reliability { get; init; }

    public required DeferralCurve Deferral { get; init; }

    /// <summary>The larger model's name; null when it was not measured and the deferral curve assumes one that is always right.</summary>
    public string? Larger { get; init; }
}

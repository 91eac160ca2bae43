namespace Vlm.Statistics;

/// <summary>One point of a risk-coverage curve.</summary>
/// <param name="Coverage">Share of the answers that are kept, above 0 to 1.</param>
/// <param name="Risk">Share of wrong answers among the kept ones.</param>
public readonly record struct RiskPoint(double Coverage, double Risk);

/// <summary>What is risked when only the most confident answers are kept, for every share that can be kept.</summary>
/// <param name="Points">One point per answer: the k most confident are kept, k = 1 to n.</param>
/// <remarks>
/// Answers are taken in descending confidence, ties in the order given, so the areas depend on the order of ties. Definitions: Geifman and El-Yaniv,
/// "Bias-reduced uncertainty estimation", ICLR 2019 (AURC); Traub et al., arXiv 2407.01032 (AUGRC, here the mean over k and not a trapezoid).
/// </remarks>
public sealed record RiskCoverage(IReadOnlyList<RiskPoint> Points)
{
    /// <summary>The curve of at least one answer.</summary>
    public static RiskCoverage Of(IReadOnlyList<ScoredAnswer> answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentOutOfRangeException.ThrowIfZero(answers.Count, nameof(answers));
        return new RiskCoverage(Curve([.. answers.OrderByDescending(answer => answer.Confidence).Select(answer => answer.IsCorrect)]));
    }

    /// <summary>Area under the curve: the mean risk over all coverages. Lower is better.</summary>
    public double Aurc => Points.Average(point => point.Risk);

    /// <summary>Mean over all coverages of the share of all answers that are kept and wrong. Lower is better.</summary>
    public double Augrc => Points.Average(point => point.Risk * point.Coverage);

    /// <summary>The area if every wrong answer came last: the best that any confidence can reach.</summary>
    public double OracleAurc
    {
        get
        {
            int n = Points.Count;
            int right = n - (int)Math.Round(Points[^1].Risk * n);
            return Curve([.. Enumerable.Range(0, n).Select(i => i < right)]).Average(point => point.Risk);
        }
    }

    /// <summary>The greatest coverage whose observed risk is at most <paramref name="risk"/>; 0 when there is none. Observed, not certified.</summary>
    public double CoverageAt(double risk) => Points.LastOrDefault(point => point.Risk <= risk).Coverage;

    private static RiskPoint[] Curve(bool[] isCorrect)
    {
        var points = new RiskPoint[isCorrect.Length];
        int errors = 0;
        for (int k = 1; k <= points.Length; k++)
        {
            errors += isCorrect[k - 1] ? 0 : 1;
            points[k - 1] = new RiskPoint((double)k / points.Length, (double)errors / k);
        }

        return points;
    }
}

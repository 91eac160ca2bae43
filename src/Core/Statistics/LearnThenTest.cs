namespace Vlm.Statistics;

/// <summary>
/// A threshold with a promise: with probability 1 - δ over the sample that certifies it, at most a share α of the accepted answers is wrong, for answers
/// exchangeable with the sample.
/// </summary>
/// <remarks>
/// Angelopoulos et al., "Learn then Test" (arXiv 2110.01052), fixed-sequence testing: the thresholds are put in order before the sample is seen, strict to
/// lenient; "the risk at this threshold is above α" is tested with the exact binomial tail at the full level δ until the first one that cannot be rejected.
/// The family-wise error is at most δ without any correction. How many answers a threshold accepts is random; given that number, the errors among them
/// are binomial with the selective risk, so the p-values hold.
/// </remarks>
public static class LearnThenTest
{
    // Thresholds per grid: steps of two percent of coverage.
    private const int Steps = 50;
    private const double GoodStart = 0.9;

    /// <summary>The most lenient threshold that can be certified.</summary>
    /// <param name="answers">The certifying sample: it must not have been used to fit the confidence or to choose the grid.</param>
    /// <param name="grid">Thresholds, strictly falling.</param>
    /// <param name="risk">α, above 0 and below 1.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <returns>Null when even the first threshold cannot be certified.</returns>
    public static CertifiedThreshold? Certify(IReadOnlyList<ScoredAnswer> answers, IReadOnlyList<double> grid, double risk, double delta)
    {
        Check(answers, risk, delta);
        ArgumentNullException.ThrowIfNull(grid);
        CertifiedThreshold? last = null;
        for (int i = 0; i < grid.Count; i++)
        {
            if (i > 0 && !(grid[i] < grid[i - 1]))
                throw new ArgumentException($"Thresholds must fall; number {i + 1} is {grid[i]} after {grid[i - 1]}.", nameof(grid));
            var tested = CertifiedThreshold.At(grid[i], answers, risk);
            if (tested.PValue > delta)
                break;
            last = tested;
        }

        return last;
    }

    /// <summary>
    /// Chooses the thresholds to test, on other answers than those that certify them: evenly spaced in coverage, from a start that is likely to be certified
    /// down to accepting everything.
    /// </summary>
    /// <param name="answers">Answers that the certifying sample does not hold.</param>
    /// <param name="certifying">Size of the certifying sample.</param>
    /// <param name="risk">α, above 0 and below 1.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <returns>Falling thresholds; empty when there are no answers.</returns>
    /// <remarks>
    /// The first test decides whether anything is certified: too strict a start accepts too few answers to reject even with one error, too lenient a start is
    /// too risky. The start is the strictest threshold whose chance to be certified, at the risk seen here, is nine tenths of the best one's. That choice uses
    /// this sample only, so the order is still fixed beforehand. In simulation it certifies more often than a start at a fixed number of accepted answers.
    /// </remarks>
    public static IReadOnlyList<double> Grid(IReadOnlyList<ScoredAnswer> answers, int certifying, double risk, double delta)
    {
        Check(answers, risk, delta);
        ArgumentOutOfRangeException.ThrowIfNegative(certifying);
        double[] sorted = [.. answers.Select(answer => answer.Confidence).OrderDescending()];
        double[] grid = [.. Enumerable.Range(1, Steps)
            .Select(step => (int)((long)sorted.Length * step / Steps))
            .Where(kept => kept > 0)
            .Select(kept => sorted[kept - 1])
            .Distinct()];
        if (grid.Length == 0)
            return grid;
        double[] chances = [.. grid.Select(threshold => Chance(CertifiedThreshold.At(threshold, answers, risk)))];
        double good = GoodStart * chances.Max();
        return grid[Array.FindIndex(chances, chance => chance >= good)..];

        double Chance(CertifiedThreshold seen)
        {
            long accepted = (long)Math.Round((double)seen.Accepted / answers.Count * certifying);
            long most = Binomial.MostEvents(accepted, risk, delta);
            return most < 0 ? 0 : Binomial.Tail(most, accepted, (seen.Errors + 0.5) / (seen.Accepted + 1));
        }
    }

    private static void Check(IReadOnlyList<ScoredAnswer> answers, double risk, double delta)
    {
        ArgumentNullException.ThrowIfNull(answers);
        if (risk is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(risk), risk, "The risk is above 0 and below 1.");
        if (delta is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(delta), delta, "δ is above 0 and below 1.");
    }
}

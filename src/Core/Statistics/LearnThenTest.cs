namespace Vlm.Statistics;

/// <summary>
/// A threshold with promises: with probability 1 - δ over the sample that certifies it, no group of answers has a bounded share above α, for answers
/// exchangeable with the group's sample.
/// </summary>
/// <remarks>
/// Angelopoulos et al., "Learn then Test" (arXiv 2110.01052), fixed-sequence testing: the thresholds are put in order before the sample is seen, strict to
/// lenient; "some promise is broken at this threshold" is tested at the full level δ until the first one that cannot be rejected. The family-wise error is at
/// most δ without any correction.
/// Over several groups a threshold passes when every group's test rejects at level δ: the null hypothesis is the union of theirs, so that the greatest p-value
/// is a p-value of it, again without correction (intersection-union test; Berger, Technometrics 24, 1982). All promises hold together with probability 1 - δ.
/// How many answers a threshold accepts is random; given that number, the errors among them are binomial with the selective risk, so the p-values hold.
/// </remarks>
public static class LearnThenTest
{
    // Thresholds per grid: steps of one percent of coverage. More of them cost the promise nothing.
    private const int Steps = 100;
    private const double GoodStart = 0.9;

    /// <summary>The most lenient threshold that can be certified for every group.</summary>
    /// <param name="groups">The certifying sample, at least one group: it must not have been used to fit the confidence or to choose the grid.</param>
    /// <param name="grid">Thresholds, strictly falling.</param>
    /// <param name="risk">α, above 0 and below 1.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <returns>Null when even the first threshold cannot be certified.</returns>
    public static CertifiedThreshold? Certify(IReadOnlyList<AnswerGroup> groups, IReadOnlyList<double> grid, double risk, double delta)
    {
        Check(groups, risk, delta);
        ArgumentNullException.ThrowIfNull(grid);
        CertifiedThreshold? last = null;
        for (int i = 0; i < grid.Count; i++)
        {
            if (i > 0 && !(grid[i] < grid[i - 1]))
                throw new ArgumentException($"Thresholds must fall; number {i + 1} is {grid[i]} after {grid[i - 1]}.", nameof(grid));
            var tested = CertifiedThreshold.At(grid[i], groups, risk);
            if (tested.PValue > delta)
                break;
            last = tested;
        }

        return last;
    }

    /// <summary>
    /// Chooses the thresholds to test, on other answers than those that certify them: evenly spaced in the first group's coverage, from a start that is likely
    /// to be certified down to accepting everything, or as much as is enough.
    /// </summary>
    /// <param name="groups">Answers that the certifying sample does not hold, in the same groups.</param>
    /// <param name="certifying">[groups] sizes of the certifying sample's groups.</param>
    /// <param name="coverage">The share of the first group that is enough, above 0 to 1: no threshold accepts more of it here than is needed for that.</param>
    /// <param name="risk">α, above 0 and below 1.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <returns>Falling thresholds; empty when the first group has no answers.</returns>
    /// <remarks>
    /// The first test decides whether anything is certified: too strict a start accepts too few answers to reject even with one error, too lenient a start is
    /// too risky. The start is the strictest threshold whose chance to be certified, at the shares seen here, is nine tenths of the best one's. That choice
    /// uses this sample only, so the order is still fixed beforehand. In simulation it certifies more often than a start at a fixed number of accepted answers.
    /// </remarks>
    public static IReadOnlyList<double> Grid(IReadOnlyList<AnswerGroup> groups, IReadOnlyList<int> certifying, double risk, double delta, double coverage = 1)
    {
        Check(groups, risk, delta);
        ArgumentNullException.ThrowIfNull(certifying);
        if (coverage is not (> 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(coverage), coverage, "The coverage is above 0 and at most 1.");
        if (certifying.Count != groups.Count || certifying.Any(size => size < 0))
        {
            throw new ArgumentException(
                $"Expected {groups.Count} sizes of at least 0, one per group; found {string.Join(", ", certifying)}.", nameof(certifying));
        }

        double[] sorted = [.. groups[0].Answers.Select(answer => answer.Confidence).OrderDescending()];
        double[] grid = [.. Enumerable.Range(1, Steps)
            .Select(step => (int)(sorted.Length * coverage * step / Steps))
            .Where(kept => kept > 0)
            .Select(kept => sorted[kept - 1])
            .Distinct()];
        if (grid.Length == 0)
            return grid;
        double[] chances = [.. grid.Select(Chance)];
        double good = GoodStart * chances.Max();
        return grid[Array.FindIndex(chances, chance => chance >= good)..];

        // Groups are independent samples.
        double Chance(double threshold) =>
            groups.Zip(certifying, (group, size) => ChanceOf(group, group.At(threshold, risk), size)).Aggregate((one, other) => one * other);

        double ChanceOf(AnswerGroup group, TestedGroup seen, int size)
        {
            var (events, trials) = group.Bounded == BoundedShare.WrongOfAccepted ? (seen.Errors, seen.Accepted) : (seen.Accepted, seen.Asked);
            long expected = group.Bounded == BoundedShare.AcceptedOfAsked ? size : (long)Math.Round((double)seen.Accepted / Math.Max(1, seen.Asked) * size);
            long most = Binomial.MostEvents(expected, risk, delta);
            return most < 0 ? 0 : Binomial.Tail(most, expected, (events + 0.5) / (trials + 1));
        }
    }

    private static void Check(IReadOnlyList<AnswerGroup> groups, double risk, double delta)
    {
        ArgumentNullException.ThrowIfNull(groups);
        if (groups.Count == 0) throw new ArgumentException("Expected at least one group of answers, found none.", nameof(groups));
        if (risk is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(risk), risk, "The risk is above 0 and below 1.");
        if (delta is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(delta), delta, "δ is above 0 and below 1.");
    }
}

using Vlm.Trainer.Config;

namespace Vlm.Trainer.Grpo;

/// <summary>Group-relative advantages: how much better each completion did than its siblings. Arrays are [P][G]: prompts, completions.</summary>
/// <remarks>Standard deviations are those of samples (n − 1). The 1e-4 is added to the deviation, not to the variance, as in TRL.</remarks>
public static class Advantages
{
    /// <summary>Keeps groups with nearly equal rewards from being blown up.</summary>
    public const double Epsilon = 1e-4;

    /// <summary>Advantages from one total reward per completion.</summary>
    /// <param name="totalsPG">[P][G], G ≥ 2; groups may differ in size.</param>
    /// <param name="scale">What is divided by.</param>
    /// <returns>[P][G], mean 0 in every group; exactly 0 where all rewards of a group are equal: such a group carries no signal.</returns>
    /// <exception cref="ArgumentException">A group of fewer than two, or a reward that is not finite.</exception>
    public static double[][] Of(IReadOnlyList<double[]> totalsPG, AdvantageScale scale)
    {
        foreach (var group in totalsPG) Check(group);
        var batch = scale == AdvantageScale.Batch ? Deviation([.. totalsPG.SelectMany(group => group)]) : 0;
        return [.. totalsPG.Select(group =>
        {
            var by = scale switch
            {
                AdvantageScale.Group => Deviation(group) + Epsilon,
                AdvantageScale.Batch => batch + Epsilon,
                _ => 1,
            };
            return Array.ConvertAll(Centred(group), value => value / by);
        })];
    }

    /// <summary>
    /// Advantages from several rewards: each is normalised within its group, then they are weighted and added, then the sums are normalised over the batch.
    /// Unlike the advantage of the total, it tells apart combinations of rewards with equal totals.
    /// </summary>
    /// <param name="rewardsKPG">[K][P][G] one reward per kind and completion.</param>
    /// <param name="weights">[K]</param>
    /// <returns>[P][G]; the mean is 0 over the batch, not in a group.</returns>
    /// <exception cref="ArgumentException">No rewards, other shapes, a group of fewer than two, or a reward that is not finite.</exception>
    /// <remarks>GDPO (arXiv 2601.05242): group-wise normalisation of each reward, then batch-wise normalisation of their sum.</remarks>
    public static double[][] Gdpo(IReadOnlyList<double[][]> rewardsKPG, IReadOnlyList<double> weights)
    {
        if (rewardsKPG.Count == 0 || rewardsKPG.Count != weights.Count)
        {
            throw new ArgumentException(
                $"expected as many weights as kinds of rewards, and one at least; found {weights.Count} and {rewardsKPG.Count}", nameof(weights));
        }
        var sums = Array.ConvertAll(rewardsKPG[0], group => new double[group.Length]);
        for (var k = 0; k < rewardsKPG.Count; k++)
        {
            if (!rewardsKPG[k].Select(group => group.Length).SequenceEqual(sums.Select(group => group.Length)))
                throw new ArgumentException($"expected rewards of kind {k} for the same completions as of kind 0, found other group sizes", nameof(rewardsKPG));
            var normalised = Of(rewardsKPG[k], AdvantageScale.Group);
            for (var p = 0; p < sums.Length; p++)
                for (var g = 0; g < sums[p].Length; g++) sums[p][g] += weights[k] * normalised[p][g];
        }
        double[] all = [.. sums.SelectMany(group => group)];
        var (mean, by) = (all.Average(), Deviation(all) + Epsilon);
        return Array.ConvertAll(sums, group => Array.ConvertAll(group, value => (value - mean) / by));
    }

    /// <summary>
    /// 1 for the completions with the highest reward of their group, 0 for the others: a step on them is a supervised step on the winners of best-of-n.
    /// </summary>
    /// <param name="totalsPG">[P][G], G ≥ 2; groups may differ in size.</param>
    /// <returns>[P][G]; all 0 where all rewards of a group are equal, as nobody has won.</returns>
    /// <exception cref="ArgumentException">A group of fewer than two, or a reward that is not finite.</exception>
    /// <remarks>
    /// Reward-ranked fine-tuning (RAFT, arXiv 2304.06767), with all winners of a group and not one of them. In a mean over all completions those that did not
    /// win count as well, so the gradient is the supervised one times the winners' share.
    /// </remarks>
    public static double[][] Winners(IReadOnlyList<double[]> totalsPG)
    {
        foreach (var group in totalsPG) Check(group);
        return [.. totalsPG.Select(group => Array.ConvertAll(group, total => total == group.Max() && DynamicSampling.HasSignal(group) ? 1.0 : 0))];
    }

    private static void Check(double[] group)
    {
        if (group.Length < 2) throw new ArgumentException($"expected at least two rewards in a group, found {group.Length}");
        if (!group.All(double.IsFinite)) throw new ArgumentException($"expected finite rewards, found {string.Join(", ", group)}");
    }

    /// <summary>Exactly 0 for equal values: their rounded mean may differ from them in the last bit.</summary>
    private static double[] Centred(double[] values)
    {
        if (Array.TrueForAll(values, value => value == values[0])) return new double[values.Length];
        var mean = values.Average();
        return Array.ConvertAll(values, value => value - mean);
    }

    private static double Deviation(double[] values)
    {
        var centred = Centred(values);
        return Math.Sqrt(centred.Sum(value => value * value) / (values.Length - 1));
    }
}

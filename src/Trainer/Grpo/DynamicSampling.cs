using Vlm.Trainer.Config;

namespace Vlm.Trainer.Grpo;

/// <summary>What to do after a round of sampling.</summary>
public abstract record SamplingDecision
{
    private SamplingDecision()
    {
    }

    /// <summary>Learn from these groups.</summary>
    /// <param name="Groups">Indices, in order.</param>
    /// <param name="Reason">Why sampling ended.</param>
    public sealed record Learn(IReadOnlyList<int> Groups, SamplingEnd Reason) : SamplingDecision;

    /// <summary>Sample so many other prompts and ask again.</summary>
    public sealed record SampleMore(int Prompts) : SamplingDecision;
}

/// <summary>Why sampling for a batch ended; each is a metric.</summary>
public enum SamplingEnd
{
    /// <summary>Groups are not looked at: dynamic sampling is off.</summary>
    NotFiltered,

    /// <summary>There are as many groups with signal as wanted.</summary>
    Full,

    /// <summary>The last round is over; groups without signal fill the batch up, so that its size, and with it the step, is what it always is.</summary>
    RoundsSpent,
}

/// <summary>Which groups a step learns from: DAPO (arXiv 2503.14476), dynamic sampling, equation 11, with a bound on the rounds.</summary>
public static class DynamicSampling
{
    /// <summary>Whether completions of a group differ in reward.</summary>
    public static bool HasSignal(double[] totals) => !Array.TrueForAll(totals, total => total == totals[0]);

    /// <summary>What to do after a round.</summary>
    /// <param name="totalsPG">[P][G] total rewards of all groups sampled so far for this batch.</param>
    /// <param name="wanted">Groups that a batch needs. ≥ 1.</param>
    /// <param name="round">Rounds sampled so far. ≥ 1.</param>
    /// <param name="config">Whether and how long.</param>
    public static SamplingDecision Decide(IReadOnlyList<double[]> totalsPG, int wanted, int round, DynamicSamplingConfig config)
    {
        if (!config.Enabled) return new SamplingDecision.Learn([.. Enumerable.Range(0, Math.Min(wanted, totalsPG.Count))], SamplingEnd.NotFiltered);
        var bySignal = Enumerable.Range(0, totalsPG.Count).ToLookup(p => HasSignal(totalsPG[p]));
        var with = bySignal[true].Take(wanted).ToList();
        if (with.Count == wanted) return new SamplingDecision.Learn(with, SamplingEnd.Full);
        if (round < config.MaxRounds) return new SamplingDecision.SampleMore(wanted - with.Count);
        return new SamplingDecision.Learn([.. with, .. bySignal[false].Take(wanted - with.Count)], SamplingEnd.RoundsSpent);
    }
}

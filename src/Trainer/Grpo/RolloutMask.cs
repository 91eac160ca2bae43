namespace Vlm.Trainer.Grpo;

/// <summary>Which sampled tokens count in the loss.</summary>
public static class RolloutMask
{
    /// <summary>[R, T] flat, 1 for every token of a completion, the stop token included; 0 for padding and, on request, for all of a truncated one.</summary>
    /// <param name="rollouts">[R]</param>
    /// <param name="length">T, at least the longest completion.</param>
    /// <param name="maskTruncated">DAPO's overlong filtering (arXiv 2503.14476, section 3.4): what was cut is neither right nor wrong.</param>
    public static float[] Of(IReadOnlyList<Rollout> rollouts, int length, bool maskTruncated)
    {
        var mask = new float[rollouts.Count * length];
        for (var r = 0; r < rollouts.Count; r++)
            if (!(maskTruncated && rollouts[r].Truncated)) Array.Fill(mask, 1f, r * length, rollouts[r].Ids.Length);
        return mask;
    }
}

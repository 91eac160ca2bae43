using TorchSharp;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Grpo;

/// <summary>How large the batch of a whole optimizer step is, when it is cut into micro-batches whose gradients shall add up to its own.</summary>
/// <param name="Rows">Completions.</param>
/// <param name="Tokens">Their tokens that count.</param>
public readonly record struct WholeBatch(long Rows, double Tokens);

/// <summary>Completions as tensors, padded on the right. Numbers where the mask is 0 must be finite and mean nothing.</summary>
/// <param name="LogProbabilities">[R, T] of the policy that learns, with gradient.</param>
/// <param name="Old">[R, T] of the policy before this rollout's first update, as the trainer computes it.</param>
/// <param name="Reference">[R, T]; needed when beta is not 0.</param>
/// <param name="Sampler">[R, T] as the sampler computed it; needed when a sampler cap is given.</param>
/// <param name="Mask">[R, T] 1 where a token counts, else 0; of the type of the others.</param>
/// <param name="Advantages">[R]</param>
public sealed record PolicyBatch(Tensor LogProbabilities, Tensor Old, Tensor? Reference, Tensor? Sampler, Tensor Mask, Tensor Advantages)
{
    /// <summary>The batch that this is part of; null when it is whole.</summary>
    public WholeBatch? Whole { get; init; }
}

/// <summary>Which sampled tokens count in the loss.</summary>
internal static class RolloutMask
{
    /// <summary>
    /// [R, T] flat, 1 for every token that the policy chose (of a free completion all, the stop token included); 0 for what had to come, for padding and, on
    /// request, for all of a truncated one.
    /// </summary>
    /// <param name="rollouts">[R]</param>
    /// <param name="length">T, at least the longest completion.</param>
    /// <param name="maskTruncated">DAPO's overlong filtering (arXiv 2503.14476, section 3.4): what was cut is neither right nor wrong.</param>
    public static float[] Of(IReadOnlyList<Rollout> rollouts, int length, bool maskTruncated)
    {
        var mask = new float[rollouts.Count * length];
        for (var r = 0; r < rollouts.Count; r++)
        {
            if (maskTruncated && rollouts[r].Truncated) continue;
            foreach (var place in rollouts[r].Places) mask[(r * length) + place] = 1;
        }
        return mask;
    }
}

/// <summary>What a batch costs.</summary>
/// <param name="Loss">[] to be made smaller.</param>
/// <param name="Metrics">
/// <c>clip_low</c>, <c>clip_high</c>: share of tokens (of completions, for sequence ratios) whose gradient is cut; <c>ratio</c>: mean; <c>kl</c>: mean estimate
/// over tokens, where there is a reference; <c>sampler_weight</c>, <c>sampler_gap</c>: mean importance weight and mean |log-probability difference|, where
/// there is a sampler.
/// </param>
public sealed record PolicyLossResult(Tensor Loss, IReadOnlyDictionary<string, double> Metrics);

/// <summary>Policy-gradient losses over group-relative advantages.</summary>
/// <remarks>
/// GRPO: DeepSeekMath (arXiv 2402.03300) equation 3; clip-higher and token mean: DAPO (arXiv 2503.14476) equations 10 and 12; constant length: Dr. GRPO (arXiv
/// 2503.20783); sequence ratios: GSPO (arXiv 2507.18071) equations 5 and 7; dual clip: Ye et al. (arXiv 1912.09729), dual-clip PPO; truncated importance
/// sampling: Ionides (2008), J. Comput. Graph. Stat. 17(2). Every scalar is held until the native call has returned: see <see cref="Constants"/>.
/// </remarks>
public static class PolicyLoss
{
    // exp stays finite in float32. As in verl; beyond it the gradient is 0.
    private const double GreatestLogRatio = 20;
    private static readonly Scalar MinusOne = -1, One = 1, Half = 0.5, Low = -GreatestLogRatio, High = GreatestLogRatio;

    /// <summary>The loss of a batch under a configuration.</summary>
    /// <exception cref="ArgumentException">A reference or sampler is missing that the configuration needs.</exception>
    public static PolicyLossResult Of(PolicyBatch batch, LossConfig config)
    {
        using var scope = NewDisposeScope();
        var metrics = new Dictionary<string, double>();
        var logRatio = batch.LogProbabilities.Minus(batch.Old).clamp(Low, High);                          // [R, T]
        var ratio = config.Ratio == RatioLevel.Token ? logRatio.exp() : PerRow(logRatio, batch.Mask).exp();   // [R, T] or [R, 1]
        var advantages = batch.Advantages.unsqueeze(-1);                                                   // [R, 1]
        var objective = Clipped(ratio, advantages, config);
        Shares(ratio, advantages, batch.Mask, config, metrics);
        if (config.SamplerCap is { } cap) objective = objective.mul(SamplerWeight(batch, cap, metrics));
        if (config.Beta > 0 || batch.Reference is not null)
        {
            var kl = Kl(batch, config, logRatio);
            metrics["kl"] = MeanOver(kl, batch.Mask);
            using Scalar beta = config.Beta;
            if (config.Beta > 0) objective = objective.Minus(kl.mul(beta));
        }
        var loss = Aggregate(objective.mul(batch.Mask), batch, config).neg();
        return new PolicyLossResult(loss.MoveToOuterDisposeScope(), metrics);
    }

    /// <summary>min(w A, clip(w) A), with dual clip at least c A where A is negative.</summary>
    private static Tensor Clipped(Tensor ratio, Tensor advantages, LossConfig config)
    {
        using Scalar low = 1 - config.ClipLow, high = 1 + config.ClipHigh;
        var least = minimum(ratio.mul(advantages), ratio.clamp(low, high).mul(advantages));
        if (config.DualClip is not { } bound) return least;
        using Scalar c = bound, zero = 0;
        return where(advantages.lt(zero), maximum(least, advantages.mul(c)), least);
    }

    /// <summary>Counts what is really cut: w beyond the clip on the side where the minimum takes the clipped value.</summary>
    private static void Shares(Tensor ratio, Tensor advantages, Tensor mask, LossConfig config, Dictionary<string, double> metrics)
    {
        using var noGradient = no_grad();
        using Scalar low = 1 - config.ClipLow, high = 1 + config.ClipHigh, zero = 0;
        // A sequence ratio is one number per completion, so completions are what is counted.
        var counted = config.Ratio == RatioLevel.Token ? mask : mask.amax([1], keepdim: true);
        metrics["clip_low"] = MeanOver(ratio.lt(low).logical_and(advantages.lt(zero)).to(mask.dtype), counted);
        metrics["clip_high"] = MeanOver(ratio.gt(high).logical_and(advantages.gt(zero)).to(mask.dtype), counted);
        metrics["ratio"] = MeanOver(ratio, counted);
    }

    /// <summary>min(π_old / π_sampler, cap), a constant: corrects the expectation, bounds the variance.</summary>
    private static Tensor SamplerWeight(PolicyBatch batch, double cap, Dictionary<string, double> metrics)
    {
        var sampler = batch.Sampler
            ?? throw new ArgumentException("expected the sampler's log-probabilities, as a sampler cap is given; found none", nameof(batch));
        using var noGradient = no_grad();
        var gap = batch.Old.Minus(sampler);
        using Scalar most = cap;
        var weight = gap.clamp(Low, High).exp().clamp_max(most);
        metrics["sampler_weight"] = MeanOver(weight, batch.Mask);
        metrics["sampler_gap"] = MeanOver(gap.abs(), batch.Mask);
        return weight;
    }

    private static Tensor Kl(PolicyBatch batch, LossConfig config, Tensor logRatio)
    {
        var reference = batch.Reference
            ?? throw new ArgumentException($"expected the reference's log-probabilities, as beta is {config.Beta}; found none", nameof(batch));
        var d = reference.Minus(batch.LogProbabilities).clamp(Low, High);
        return config.Kl switch
        {
            KlEstimator.K1 => d.neg(),
            KlEstimator.K2 => d.mul(d).mul(Half),
            KlEstimator.K3 => K3(d),
            // Through the token's ratio also where the surrogate's is the sequence's: it is the token that was drawn.
            _ => K3(d).mul(logRatio.exp()),
        };
    }

    private static Tensor K3(Tensor d) => d.expm1().Minus(d);

    private static Tensor Aggregate(Tensor masked, PolicyBatch batch, LossConfig config)
    {
        var rows = batch.Whole?.Rows ?? masked.shape[0];
        var (sum, by) = config.Aggregate switch
        {
            LossAggregate.SequenceMean => (masked.sum(1, keepdim: true).div(Lengths(batch.Mask)).sum(), rows),
            LossAggregate.TokenMean => (masked.sum(), Math.Max(1, batch.Whole?.Tokens ?? batch.Mask.sum().to(float64).item<double>())),
            _ => (masked.sum(), rows * config.ConstantLength),
        };
        using Scalar share = 1.0 / by;
        return sum.mul(share);
    }

    /// <summary>[R, 1] mean over the tokens of each row.</summary>
    private static Tensor PerRow(Tensor values, Tensor mask) => values.mul(mask).sum(1, keepdim: true).div(Lengths(mask));

    /// <summary>[R, 1] tokens per row, at least 1: a row whose tokens are all masked adds nothing, but counts as a row.</summary>
    private static Tensor Lengths(Tensor mask) => mask.sum(1, keepdim: true).clamp_min(One);

    private static double MeanOver(Tensor values, Tensor mask)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return values.detach().mul(mask).sum().to(float64).item<double>() / Math.Max(1, mask.sum().to(float64).item<double>());
    }

    private static Tensor Minus(this Tensor a, Tensor b) => a.add(b, MinusOne);
}

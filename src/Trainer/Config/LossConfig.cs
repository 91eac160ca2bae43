namespace Vlm.Trainer.Config;

/// <summary>How token losses become one number.</summary>
public enum LossAggregate
{
    /// <summary>Mean over completions of the mean over their tokens: GRPO (arXiv 2402.03300, equation 3).</summary>
    SequenceMean,

    /// <summary>Mean over all tokens of the batch: DAPO (arXiv 2503.14476, equation 12).</summary>
    TokenMean,

    /// <summary>Sum over all tokens by (completions × a constant length): Dr. GRPO (arXiv 2503.20783, section 3.2).</summary>
    Constant,
}

/// <summary>What the probability ratio is taken over.</summary>
public enum RatioLevel
{
    /// <summary>Each token by itself.</summary>
    Token,

    /// <summary>The geometric mean over the completion: GSPO (arXiv 2507.18071, equation 7).</summary>
    Sequence,
}

/// <summary>Estimators of the divergence from the reference (Schulman 2020, joschu.net/blog/kl-approx); d = log π_ref − log π.</summary>
public enum KlEstimator
{
    /// <summary>−d: unbiased, may be negative.</summary>
    K1,

    /// <summary>d²/2: its gradient is that of the reverse divergence.</summary>
    K2,

    /// <summary>exp d − d − 1: never negative; differentiated as it stands, its gradient is that of the forward divergence.</summary>
    K3,

    /// <summary>
    /// k3 times the ratio to the sampling policy, differentiated through both: the on-policy gradient is that of the reverse divergence
    /// (DeepSeek-V3.2 technical report, unbiased KL estimate).
    /// </summary>
    K3Corrected,
}

/// <summary>A policy loss.</summary>
public sealed record LossConfig
{
    /// <summary>How token losses are averaged.</summary>
    public LossAggregate Aggregate { get; init; } = LossAggregate.SequenceMean;

    /// <summary>Ratios per token or per completion.</summary>
    public RatioLevel Ratio { get; init; } = RatioLevel.Token;

    /// <summary>The ratio is cut below 1 − this. In [0, 1]; 0.2, for sequence ratios 3e-4.</summary>
    public double ClipLow { get; init; } = 0.2;

    /// <summary>The ratio is cut above 1 + this. ≥ 0; 0.2, DAPO 0.28, for sequence ratios 4e-4.</summary>
    public double ClipHigh { get; init; } = 0.2;

    /// <summary>Where the advantage is negative, the loss is bounded by this many times it. &gt; 1 + <see cref="ClipHigh"/>; null: not.</summary>
    public double? DualClip { get; init; }

    /// <summary>Weight of the divergence from the reference. ≥ 0; 0 needs no reference.</summary>
    public double Beta { get; init; }

    /// <summary>How the divergence is estimated.</summary>
    public KlEstimator Kl { get; init; } = KlEstimator.K3;

    /// <summary>Greatest importance weight from the sampler to the trainer's old policy. &gt; 0; null: the two are taken as equal.</summary>
    public double? SamplerCap { get; init; }

    /// <summary>The length that <see cref="LossAggregate.Constant"/> divides by: the limit on new tokens. ≥ 1.</summary>
    public double ConstantLength { get; init; } = 240;

    /// <summary>Checks ranges.</summary>
    /// <param name="where">Named by the error, such as the file.</param>
    /// <exception cref="InvalidDataException">A value is out of range; the message names it.</exception>
    public void Validate(string where)
    {
        Check(ClipLow is >= 0 and <= 1, "clip_low from 0 to 1", ClipLow);
        Check(ClipHigh >= 0 && double.IsFinite(ClipHigh), "clip_high of at least 0", ClipHigh);
        Check(DualClip is null || DualClip > 1 + ClipHigh, $"dual_clip above 1 + clip_high = {1 + ClipHigh}", DualClip);
        Check(Beta >= 0 && double.IsFinite(Beta), "beta of at least 0", Beta);
        Check(SamplerCap is null or > 0, "sampler_cap above 0", SamplerCap);
        Check(ConstantLength >= 1 && double.IsFinite(ConstantLength), "constant_length of at least 1", ConstantLength);

        void Check(bool holds, string expected, double? found)
        {
            if (!holds) throw new InvalidDataException($"{where}: loss: expected {expected}, found {found}.");
        }
    }
}

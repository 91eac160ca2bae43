using TorchSharp;
using Vlm.Model;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Grpo;

/// <summary>
/// The policy that the divergence is measured from: the weights at the start, frozen or moved towards the policy now and then. A policy
/// whose weights are adapters has the reference in itself: it is the model with them off.
/// </summary>
internal sealed class ReferencePolicy : IDisposable
{
    private readonly ReferenceConfig _config;
    private readonly QwenVl _model;
    private readonly PolicyForward _forward;

    public ReferencePolicy(QwenVl policy, ReferenceConfig config, double temperature, bool sharesPrompts = true)
    {
        _config = config;
        IsShared = policy.Adapters is not null;
        _model = IsShared ? policy : Copy(policy);
        _forward = new PolicyForward(_model, temperature, sharesPrompts);
    }

    /// <summary>Whether it has no weights of its own.</summary>
    public bool IsShared { get; }

    /// <summary>[R][T] of the rows' completions.</summary>
    public IReadOnlyList<float[]> LogProbabilities(IReadOnlyList<PolicyRow> rows, int most)
    {
        using var off = _model.Adapters?.Disabled();
        return _forward.Numbers(rows, most);
    }

    /// <summary>After a step: moves where the configuration says so.</summary>
    /// <param name="policy">The weights to move to.</param>
    /// <param name="steps">Steps done.</param>
    public void Follow(QwenVl policy, long steps)
    {
        if (_config.Kind == ReferenceKind.Resync && steps % _config.Every == 0) Move(_model, policy, _config.Mixup);
    }

    public IEnumerable<NamedTensor> Weights() => ModelWeights.Tensors(_model);

    public void Restore(string file)
    {
        using var weights = SafeTensors.Open(file);
        ModelWeights.Fill(_model, weights);
    }

    public void Dispose()
    {
        if (!IsShared) _model.Dispose();
    }

    private static QwenVl Copy(QwenVl policy)
    {
        var copy = new QwenVl(policy.Config, policy.Compute);
        using var noGradient = no_grad();
        foreach (var (own, its) in copy.parameters().Zip(policy.parameters())) own.copy_(its);
        return copy;
    }

    /// <summary>reference = share · policy + (1 − share) · reference (TR-DPO, arXiv 2404.09656, equation 3).</summary>
    private static void Move(QwenVl reference, QwenVl policy, double share)
    {
        using var noGradient = no_grad();
        using Scalar keep = 1 - share, take = share;
        foreach (var (own, its) in reference.parameters().Zip(policy.parameters())) own.mul_(keep).add_(its, take);
    }
}

using TorchSharp;
using Vlm.Model;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>
/// The policy's distribution over the next token: softmax(logits / T) without the tokens that stand for pictures. Sampler and trainer share it.
/// </summary>
/// <remarks>
/// A sampled picture token could not be fed back: it has no picture (TRL issue 3847). Leaving it out on one side only would make the ratios wrong,
/// so it is left out of the distribution itself.
/// </remarks>
internal sealed class SamplingSoftmax(VlmConfig config, double temperature)
{
    // Finite, so that p·log p of an excluded token is 0 and not NaN.
    private const float Excluded = -1e9f;

    private readonly long[] _excluded = [config.ImageTokenId, config.VideoTokenId];

    /// <summary>[.., V] logits to log-probabilities, float32.</summary>
    public Tensor LogProbabilities(Tensor logits)
    {
        using var scale = tensor((float)(1 / temperature));
        return nn.functional.log_softmax((logits * scale).Plus(Bias(logits.shape[^1], logits.device)), -1);
    }

    /// <summary>The same where a grammar leaves only some tokens open: the distribution of the policy, given that one of those is taken.</summary>
    /// <param name="logits">[L, V]</param>
    /// <param name="allowed">[L] tokens that may come, at least one each.</param>
    /// <returns>[L, V]; of tokens that may not come about −1e9.</returns>
    public Tensor LogProbabilities(Tensor logits, IReadOnlyList<IReadOnlyList<int>> allowed)
    {
        var vocabulary = (int)logits.shape[^1];
        var bias = new float[allowed.Count * vocabulary];
        Array.Fill(bias, Excluded);
        for (var l = 0; l < allowed.Count; l++)
            foreach (var token in allowed[l]) bias[(l * vocabulary) + token] = 0;
        using var scale = tensor((float)(1 / temperature));
        using var closed = tensor(bias, device: logits.device).view(allowed.Count, vocabulary);
        return nn.functional.log_softmax((logits * scale).Plus(closed), -1);
    }

    /// <summary>[.., V] log-probabilities to the entropy [..] in nats.</summary>
    public static Tensor Entropy(Tensor logProbabilities) => (logProbabilities.exp() * logProbabilities).sum(-1).neg();

    private Tensor Bias(long vocabulary, Device device)
    {
        using var places = tensor(_excluded.Where(id => id >= 0 && id < vocabulary).Distinct().ToArray(), device: device);
        using Scalar value = Excluded;
        return zeros(vocabulary, device: device).index_fill(0, places, value);
    }
}

using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>Tokens that were taken from a batch of distributions.</summary>
/// <param name="Ids">[B]</param>
/// <param name="LogProbabilities">[B] natural logarithms of theirs.</param>
/// <param name="Entropies">[B] nats of the distributions that they were taken from.</param>
internal sealed record DrawnTokens(long[] Ids, float[] LogProbabilities, float[] Entropies);

/// <summary>One token from each of a batch of distributions.</summary>
internal static class TokenDraw
{
    /// <summary>By the inverse of the distribution function.</summary>
    /// <param name="logProbabilities">[B, V]</param>
    /// <param name="draws">[B] uniform in [0, 1).</param>
    public static DrawnTokens Random(Tensor logProbabilities, double[] draws)
    {
        var reached = logProbabilities.to(float64).exp().cumsum(-1);
        var whole = reached.narrow(-1, reached.shape[^1] - 1, 1);                            // [B, 1], 1 but for rounding
        using var uniform = tensor(draws, device: logProbabilities.device).view(-1, 1);
        // The second count is the last token of positive probability: the bound where rounding would go beyond it.
        return Taken(logProbabilities, minimum(reached.le(uniform * whole).sum(-1), reached.lt(whole).sum(-1)));
    }

    /// <summary>The most probable.</summary>
    /// <param name="logProbabilities">[B, V]</param>
    public static DrawnTokens Best(Tensor logProbabilities) => Taken(logProbabilities, logProbabilities.argmax(-1));

    private static DrawnTokens Taken(Tensor logProbabilities, Tensor tokens)
    {
        var chosen = logProbabilities.gather(-1, tokens.unsqueeze(-1)).squeeze(-1);
        var entropy = SamplingSoftmax.Entropy(logProbabilities);
        return new DrawnTokens(tokens.cpu().data<long>().ToArray(), chosen.cpu().data<float>().ToArray(), entropy.cpu().data<float>().ToArray());
    }
}

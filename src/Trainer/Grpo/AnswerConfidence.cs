using Vlm.Text;

namespace Vlm.Trainer.Grpo;

/// <summary>The probability that a model gave to its own answer.</summary>
public static class AnswerConfidence
{
    private const string Open = "<answer>", Close = "</answer>";

    /// <summary>The product of the probabilities of the tokens between the answer's tags; null when there is no answer.</summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="ids">[T] tokens of the reply, with or without the stop token.</param>
    /// <param name="logProbabilities">[T] natural logarithms.</param>
    public static double? Of(Tokenizer tokenizer, ReadOnlySpan<int> ids, ReadOnlySpan<float> logProbabilities)
    {
        var text = tokenizer.Decode(ids);
        var open = text.IndexOf(Open, StringComparison.Ordinal);
        var close = text.LastIndexOf(Close, StringComparison.Ordinal);
        if (open < 0 || close <= open + Open.Length) return null;
        var first = Reaching(tokenizer, ids, open + Open.Length);
        var end = Math.Max(first + 1, Reaching(tokenizer, ids, close));
        if (end > ids.Length) return null;
        var sum = 0.0;
        foreach (var value in logProbabilities[first..end]) sum += value;
        return Math.Min(1, Math.Exp(sum));
    }

    /// <summary>The fewest leading tokens whose text has at least so many characters: tags may be one token or several.</summary>
    private static int Reaching(Tokenizer tokenizer, ReadOnlySpan<int> ids, int length)
    {
        var (low, high) = (0, ids.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (tokenizer.Decode(ids[..middle]).Length >= length) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}

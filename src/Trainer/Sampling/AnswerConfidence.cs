using Vlm.Cryptogram;
using Vlm.Text;

namespace Vlm.Trainer.Sampling;

/// <summary>The probability that a model gave to its own answer.</summary>
public static class AnswerConfidence
{
    /// <summary>The product of the probabilities of the tokens between the answer's tags; null when there is no answer.</summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="ids">[T] tokens of the reply, with or without the stop token.</param>
    /// <param name="logProbabilities">[T] natural logarithms.</param>
    public static double? Of(Tokenizer tokenizer, ReadOnlySpan<int> ids, ReadOnlySpan<float> logProbabilities)
    {
        if (TokenSpan.Between(tokenizer, ids, ReplyText.Answer.Open, ReplyText.Answer.Close) is not { Count: > 0 } answer) return null;
        var sum = 0.0;
        foreach (var value in logProbabilities[answer.First..answer.End]) sum += value;
        return Math.Min(1, Math.Exp(sum));
    }
}

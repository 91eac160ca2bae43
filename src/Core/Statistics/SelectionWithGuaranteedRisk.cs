using System.Numerics;

namespace Vlm.Statistics;

/// <summary>
/// The older guarantee (SGR; Geifman and El-Yaniv, "Selective classification for deep neural networks", NIPS 2017, algorithm 1): a binary search over the
/// sorted confidences with a union bound. Valid on one sample without a grid from another, but certifies less; kept as a check of <see cref="LearnThenTest"/>.
/// </summary>
public static class SelectionWithGuaranteedRisk
{
    /// <summary>The last threshold of the search whose Clopper-Pearson bound at δ / ⌈log₂ n⌉ is within the risk.</summary>
    /// <param name="answers">The certifying sample; it must not have been used to fit the confidence.</param>
    /// <param name="risk">α, above 0 and below 1.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <returns>Null when no threshold of the search passes.</returns>
    public static CertifiedThreshold? Certify(IReadOnlyList<ScoredAnswer> answers, double risk, double delta)
    {
        ArgumentNullException.ThrowIfNull(answers);
        if (answers.Count < 2)
            return null;
        AnswerGroup[] all = [new AnswerGroup("all", BoundedShare.WrongOfAccepted, answers)];
        double[] sorted = [.. answers.Select(answer => answer.Confidence).OrderDescending()];
        int steps = BitOperations.Log2((uint)sorted.Length - 1) + 1;
        (int low, int high) = (1, sorted.Length);
        CertifiedThreshold? last = null;
        for (int step = 0; step < steps && low <= high; step++)
        {
            int middle = (low + high + 1) / 2;
            var tested = CertifiedThreshold.At(sorted[middle - 1], all, risk);
            if (Binomial.UpperBound(tested.Groups[0].Errors, tested.Groups[0].Accepted, delta / steps) <= risk)
                (last, low) = (tested, middle + 1);
            else
                high = middle - 1;
        }

        return last;
    }
}

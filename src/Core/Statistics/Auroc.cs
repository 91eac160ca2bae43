namespace Vlm.Statistics;

/// <summary>How well a confidence tells right answers from wrong ones.</summary>
public static class Auroc
{
    /// <summary>The probability that a right answer is more confident than a wrong one; ties count one half.</summary>
    /// <returns>0 to 1, 0.5 is chance; null when all answers are right or all are wrong.</returns>
    /// <remarks>The area under the ROC curve as the Mann-Whitney statistic of mid-ranks (Hanley and McNeil, Radiology 143, 1982).</remarks>
    public static double? Of(IReadOnlyList<ScoredAnswer> answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        ScoredAnswer[] sorted = [.. answers.OrderBy(answer => answer.Confidence)];
        long right = sorted.Count(answer => answer.IsCorrect);
        long wrong = sorted.Length - right;
        if (right == 0 || wrong == 0)
            return null;

        // Twice the number of pairs in order, so that halves stay whole numbers.
        long pairs = 0, wrongBelow = 0;
        for (int first = 0, end = 0; first < sorted.Length; first = end)
        {
            long rightHere = 0;
            for (end = first; end < sorted.Length && sorted[end].Confidence == sorted[first].Confidence; end++)
                rightHere += sorted[end].IsCorrect ? 1 : 0;
            long wrongHere = end - first - rightHere;
            pairs += rightHere * (2 * wrongBelow + wrongHere);
            wrongBelow += wrongHere;
        }

        return pairs / 2.0 / right / wrong;
    }
}

namespace Vlm.Statistics;

/// <summary>Answers of similar confidence: what they promised and what they kept.</summary>
/// <param name="Count">Answers, at least 1.</param>
/// <param name="Confidence">Mean confidence.</param>
/// <param name="Accuracy">Share of right answers.</param>
public readonly record struct ReliabilityBin(int Count, double Confidence, double Accuracy);

/// <summary>How far confidences are from being the probabilities they claim to be.</summary>
public static class CalibrationError
{
    /// <summary>Mean of (confidence - correct)²: 0 is best; it rewards calibration and discrimination together (Brier, 1950).</summary>
    /// <param name="answers">At least one, with confidences in 0 to 1.</param>
    public static double Brier(IReadOnlyList<ScoredAnswer> answers)
    {
        Check(answers, bins: 1);
        return answers.Average(answer => Math.Pow(answer.Confidence - (answer.IsCorrect ? 1 : 0), 2));
    }

    /// <summary>Bins of equal size from the least to the most confident; the first n mod m have one answer more, empty ones are left out.</summary>
    /// <param name="answers">At least one, with confidences in 0 to 1; ties keep their order.</param>
    /// <param name="bins">m, at least 1.</param>
    public static IReadOnlyList<ReliabilityBin> EqualMassBins(IReadOnlyList<ScoredAnswer> answers, int bins)
    {
        Check(answers, bins);
        ScoredAnswer[] sorted = [.. answers.OrderBy(answer => answer.Confidence)];
        var result = new List<ReliabilityBin>();
        int start = 0;
        for (int bin = 0; bin < bins && start < sorted.Length; bin++)
        {
            int size = sorted.Length / bins + (bin < sorted.Length % bins ? 1 : 0);
            result.Add(ToBin(sorted.AsSpan(start, size)));
            start += size;
        }

        return result;
    }

    /// <summary>Expected calibration error over bins: the mean of |accuracy - confidence|, weighted with the bins' sizes.</summary>
    public static double Expected(IReadOnlyList<ReliabilityBin> bins)
    {
        ArgumentNullException.ThrowIfNull(bins);
        double answers = bins.Sum(bin => bin.Count);
        return bins.Sum(bin => bin.Count / answers * Math.Abs(bin.Accuracy - bin.Confidence));
    }

    private static ReliabilityBin ToBin(ReadOnlySpan<ScoredAnswer> answers)
    {
        double confidence = 0;
        int right = 0;
        foreach (var answer in answers)
        {
            confidence += answer.Confidence;
            right += answer.IsCorrect ? 1 : 0;
        }

        return new ReliabilityBin(answers.Length, confidence / answers.Length, (double)right / answers.Length);
    }

    private static void Check(IReadOnlyList<ScoredAnswer> answers, int bins)
    {
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentOutOfRangeException.ThrowIfZero(answers.Count, nameof(answers));
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        foreach (var answer in answers)
        {
            if (answer.Confidence is not (>= 0 and <= 1))
                throw new ArgumentException($"A confidence is {answer.Confidence}; calibration is measured on probabilities, 0 to 1.", nameof(answers));
        }
    }
}

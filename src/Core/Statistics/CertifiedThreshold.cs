namespace Vlm.Statistics;

/// <summary>A threshold with what was seen above it.</summary>
/// <param name="Threshold">Answers at least this confident are accepted.</param>
/// <param name="Accepted">Accepted answers of the sample that certified it.</param>
/// <param name="Errors">Wrong ones among them.</param>
/// <param name="PValue">P(Binomial(accepted, risk) ≤ errors), the p-value of "the risk is above the promised one".</param>
public sealed record CertifiedThreshold(double Threshold, int Accepted, int Errors, double PValue)
{
    /// <summary>Counts a sample at a threshold.</summary>
    internal static CertifiedThreshold At(double threshold, IReadOnlyList<ScoredAnswer> answers, double risk)
    {
        int accepted = 0, errors = 0;
        foreach (var answer in answers)
        {
            if (answer.Confidence < threshold) continue;
            accepted++;
            errors += answer.IsCorrect ? 0 : 1;
        }

        return new CertifiedThreshold(threshold, accepted, errors, Binomial.Tail(errors, accepted, risk));
    }
}

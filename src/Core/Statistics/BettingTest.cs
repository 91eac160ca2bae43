namespace Vlm.Statistics;

/// <summary>
/// Watches audited answers one by one for "the risk is above the promised one", without an end fixed beforehand: it may be looked at after every answer.
/// A value: the test after another answer is another value, and it is its four numbers.
/// </summary>
/// <param name="Risk">The promise α, above 0 and below 1: at most this share of the audited answers is wrong.</param>
/// <param name="Delta">How likely a false alarm may be, ever; above 0 and below 1.</param>
/// <param name="Audited">Answers seen.</param>
/// <param name="Errors">Wrong ones among them.</param>
/// <remarks>
/// Testing by betting (Waudby-Smith and Ramdas, JRSS B 86, 2024; Ville 1939): a gambler without an edge, who stakes λ on each error, has the wealth
/// W = Π (1 + λ (e - α)), λ in [0, 1/α), a non-negative supermartingale while the risk is at most α; P(W ever reaches 1/δ) ≤ δ. The wealth here is the mean of
/// gamblers with fixed λ, each the best (Kelly) stake against one risk above α, which is again such a gambler and needs no tuning; with fixed stakes each
/// wealth depends on the two counts alone.
/// </remarks>
public readonly record struct BettingTest(double Risk, double Delta, long Audited = 0, long Errors = 0)
{
    // Risks to bet on, as multiples of the promise; those of 1 and more are left out.
    private static readonly double[] Multiples = [1.5, 2, 3, 5, 10, 20, 50];

    /// <summary>The wealth: 1 at the start.</summary>
    public double Wealth
    {
        get
        {
            var (risk, audited, errors) = (Risk, Audited, Errors);
            double[] wealths = [.. Multiples.Select(multiple => multiple * risk).Append((1 + risk) / 2).Where(other => other < 1).Select(OfGambler)];
            return wealths.Average();

            // Kelly's stake against a risk q: λ = (q - α) / (α (1 - α)), so an error pays q / α and none pays (1 - q) / (1 - α).
            double OfGambler(double other) => Math.Exp(errors * Math.Log(other / risk) + (audited - errors) * Math.Log((1 - other) / (1 - risk)));
        }
    }

    /// <summary>Whether the wealth is at least 1/δ now. An alarm stands from the first time on: the caller must remember it.</summary>
    public bool IsAlarm => Wealth >= 1 / Delta;

    /// <summary>The test after one more audited answer.</summary>
    public BettingTest After(bool isError) => this with { Audited = Audited + 1, Errors = Errors + (isError ? 1 : 0) };
}

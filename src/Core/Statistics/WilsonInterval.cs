namespace Vlm.Statistics;

/// <summary>The range in which a share lies with 95 % confidence, given how often something happened in independent trials.</summary>
/// <param name="Low">Lower end, 0 to 1.</param>
/// <param name="High">Upper end, 0 to 1.</param>
/// <remarks>
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), two-sided and without continuity
/// correction. Unlike the textbook interval it stays inside 0 to 1 and keeps its coverage near the ends, where good models are.
/// </remarks>
public readonly record struct WilsonInterval(double Low, double High)
{
    // The 97.5 % quantile of the standard normal distribution.
    private const double Z = 1.959963984540054;

    /// <summary>The interval after <paramref name="successes"/> of <paramref name="trials"/>.</summary>
    /// <param name="successes">0 to <paramref name="trials"/>.</param>
    /// <param name="trials">0 or more; without trials nothing is known and the interval is 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">More successes than trials, or a negative number.</exception>
    public static WilsonInterval Of(long successes, long trials)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        if (trials == 0)
            return new WilsonInterval(0, 1);

        double n = trials;
        double share = successes / n;
        double centre = share + Z * Z / (2 * n);
        double half = Z * Math.Sqrt(share * (1 - share) / n + Z * Z / (4 * n * n));
        double scale = 1 + Z * Z / n;
        // At the ends the formula gives exactly 0 and 1; rounding would leave 1e-17.
        return new WilsonInterval(
            successes == 0 ? 0 : (centre - half) / scale,
            successes == trials ? 1 : (centre + half) / scale);
    }
}

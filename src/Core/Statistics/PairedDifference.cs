namespace Vlm.Statistics;

/// <summary>
/// How much more often the first of two models is right on the same questions: the difference of the shares and the range in which it lies with 95 %
/// confidence.
/// </summary>
/// <param name="Value">First share minus second share, −1 to 1.</param>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
/// <remarks>
/// R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired data", Statistics in Medicine 17 (1998),
/// method 10: the Wilson intervals of both shares, combined with their correlation. It stays inside −1 to 1 and keeps its coverage near the ends, where good
/// models are.
/// </remarks>
public readonly record struct PairedDifference(double Value, double Low, double High)
{
    /// <summary>The difference after asking both models the same questions.</summary>
    /// <param name="both">Questions that both answered right; 0 or more.</param>
    /// <param name="onlyFirst">Questions that only the first answered right; 0 or more.</param>
    /// <param name="onlySecond">Questions that only the second answered right; 0 or more.</param>
    /// <param name="neither">Questions that neither answered right; 0 or more.</param>
    /// <returns>−1 to 1 around 0 when nothing was asked.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative count.</exception>
    public static PairedDifference Of(long both, long onlyFirst, long onlySecond, long neither)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(both);
        ArgumentOutOfRangeException.ThrowIfNegative(onlyFirst);
        ArgumentOutOfRangeException.ThrowIfNegative(onlySecond);
        ArgumentOutOfRangeException.ThrowIfNegative(neither);
        long n = both + onlyFirst + onlySecond + neither;
        if (n == 0) return new PairedDifference(0, -1, 1);
        double first = (double)(both + onlyFirst) / n, second = (double)(both + onlySecond) / n;
        var a = WilsonInterval.Of(both + onlyFirst, n);
        var b = WilsonInterval.Of(both + onlySecond, n);
        double phi = Correlation(both, onlyFirst, onlySecond, neither);
        double below = Joined(first - a.Low, b.High - second, phi);
        double above = Joined(a.High - first, second - b.Low, phi);
        return new PairedDifference(first - second, first - second - below, first - second + above);
    }

    private static double Joined(double x, double y, double phi) => Math.Sqrt(Math.Max(0, x * x - 2 * phi * x * y + y * y));

    /// <summary>Of the two outcomes, with the paper's correction for continuity where it is positive.</summary>
    private static double Correlation(double both, double onlyFirst, double onlySecond, double neither)
    {
        double n = both + onlyFirst + onlySecond + neither;
        double margins = (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither);
        if (margins == 0) return 0;
        double cross = both * neither - onlyFirst * onlySecond;
        return (cross > 0 ? Math.Max(0, cross - n / 2) : cross) / Math.Sqrt(margins);
    }
}

namespace Vlm.Statistics;

/// <summary>Exact statements about a rate after k events in n independent trials.</summary>
public static class Binomial
{
    // Bisection of [0, 1] down to the spacing of doubles.
    private const int Bisections = 100;

    /// <summary>P(X ≤ k) for X ~ Binomial(n, p): the p-value of "the rate is above p" after k events in n trials.</summary>
    /// <param name="k">Events, 0 to <paramref name="n"/>.</param>
    /// <param name="n">Trials, 0 or more; without trials the result is 1.</param>
    /// <param name="p">Rate, 0 to 1.</param>
    public static double Tail(long k, long n, double p)
    {
        Check(k, n);
        if (p is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(p), p, "The rate is 0 to 1.");
        if (k == n || p == 0)
            return 1;
        if (p == 1)
            return 0;
        // Summed away from the mean, where terms fall: the small tail keeps its relative precision.
        return k < n * p ? Below(k, n, p) : 1 - Below(n - k - 1, n, 1 - p);
    }

    /// <summary>The one-sided upper bound of Clopper and Pearson (Biometrika 26, 1934): with probability 1 - δ the true rate is not above it.</summary>
    /// <param name="k">Events, 0 to <paramref name="n"/>.</param>
    /// <param name="n">Trials, 0 or more; without trials the bound is 1.</param>
    /// <param name="delta">δ, above 0 and below 1. Holds for one choice made before looking, not for the best of several.</param>
    /// <returns>The 1 - δ quantile of Beta(k + 1, n - k): the rate u with P(Binomial(n, u) ≤ k) = δ.</returns>
    public static double UpperBound(long k, long n, double delta)
    {
        Check(k, n);
        if (delta is not (> 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(delta), delta, "δ is above 0 and below 1.");
        if (k == n)
            return 1;
        (double low, double high) = ((double)k / n, 1);
        for (int i = 0; i < Bisections && low < high; i++)
        {
            double middle = (low + high) / 2;
            if (Tail(k, n, middle) > delta) low = middle;
            else high = middle;
        }

        return high;
    }

    /// <summary>The fewest trials without any event after which "the rate is above <paramref name="p"/>" is rejected at level δ: ln δ / ln(1 - p).</summary>
    /// <param name="p">Rate, above 0 and below 1.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    public static long FewestTrials(double p, double delta) => (long)Math.Ceiling(Math.Log(delta) / Math.Log(1 - p) - 1e-9);

    /// <summary>The most events after which "the rate is above <paramref name="p"/>" is still rejected at level δ; -1 when not even none suffices.</summary>
    /// <param name="n">Trials, 0 or more.</param>
    /// <param name="p">Rate, above 0 and below 1.</param>
    /// <param name="delta">δ, above 0 and below 1.</param>
    public static long MostEvents(long n, double p, double delta)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        // Doubled from below: a small tail is the sum of few terms. P(X <= n) is 1, so the upper end never passes.
        (long low, long high) = (-1, 0);
        while (high < n && Tail(high, n, p) <= delta)
            (low, high) = (high, Math.Min(n, (2 * high) + 1));
        while (high - low > 1)
        {
            long middle = low + (high - low) / 2;
            if (Tail(middle, n, p) <= delta) low = middle;
            else high = middle;
        }

        return low;
    }

    /// <summary>The sum of the terms 0 to k, k at or below the mean, from the largest down.</summary>
    private static double Below(long k, long n, double p)
    {
        double logTerm = n * Math.Log(1 - p);
        double logOdds = Math.Log(p) - Math.Log(1 - p);
        for (long i = 1; i <= k; i++)
            logTerm += Math.Log((double)(n - i + 1) / i) + logOdds;
        double sum = 0;
        double term = Math.Exp(logTerm);
        for (long i = k; i >= 0 && term > sum * 1e-18; i--)
        {
            sum += term;
            term *= i / (n - i + 1.0) * (1 - p) / p;
        }

        return Math.Min(1, sum);
    }

    private static void Check(long k, long n)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, n);
    }
}

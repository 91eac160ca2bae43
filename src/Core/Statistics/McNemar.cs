namespace Vlm.Statistics;

/// <summary>Compares two models on the same questions.</summary>
public static class McNemar
{
    /// <summary>How likely a difference at least this large is when both models are equally good: the exact two-sided test.</summary>
    /// <param name="onlyFirst">Questions that only the first model answered right; 0 or more.</param>
    /// <param name="onlySecond">Questions that only the second model answered right; 0 or more.</param>
    /// <returns>The p-value, above 0 and at most 1. Questions on which both agree say nothing and are not asked for.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative count.</exception>
    /// <remarks>
    /// Q. McNemar, Psychometrika 12 (1947), as a binomial test with 1/2: twice the tail P(X ≤ min) of Binomial(n, 1/2). The tail is summed from its
    /// largest term downwards, which is built from logarithms: 2^-n alone is zero in double precision from n = 1075.
    /// </remarks>
    public static double ExactP(long onlyFirst, long onlySecond)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(onlyFirst);
        ArgumentOutOfRangeException.ThrowIfNegative(onlySecond);
        long n = onlyFirst + onlySecond;
        long least = Math.Min(onlyFirst, onlySecond);

        double logTerm = -n * Math.Log(2);
        for (long k = 1; k <= least; k++)
            logTerm += Math.Log((double)(n - k + 1) / k);

        double tail = 0;
        double term = Math.Exp(logTerm);
        for (long k = least; k >= 0 && term > 0; k--)
        {
            tail += term;
            term *= (double)k / (n - k + 1);
        }

        return Math.Min(1, 2 * tail);
    }
}

using Vlm.Hosting;

namespace Vlm.Edge.Routing;

/// <summary>What the larger model may cost, for waiting clients and in the background together.</summary>
internal sealed record BudgetOptions
{
    /// <summary>Calls per minute on average; 0.001 to 100,000; 30 by default.</summary>
    public double CallsPerMinute { get; init; } = 30;

    /// <summary>Calls at once after a quiet time; 1 to 100,000; 20 by default.</summary>
    public int Burst { get; init; } = 20;

    /// <summary>Calls per day; 0 or more; 20,000 by default.</summary>
    public int CallsPerDay { get; init; } = 20_000;

    /// <summary>Bytes sent per day; 0 or more; 2 GiB by default.</summary>
    public long BytesPerDay { get; init; } = 2L << 30;

    /// <summary>Price of one call, in the currency of <see cref="MoneyPerDay"/>; 0 by default.</summary>
    public decimal MoneyPerCall { get; init; }

    /// <summary>Money per day; 0 or more; 10 by default, which only matters once a call has a price.</summary>
    public decimal MoneyPerDay { get; init; } = 10;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        foreach (var problem in Check.Ranges(("calls_per_minute", CallsPerMinute, 0.001, 100_000), ("burst", Burst, 1, 100_000))) yield return problem;
        if (CallsPerDay < 0) yield return $"calls_per_day: expected 0 or more, found {CallsPerDay}";
        if (BytesPerDay < 0) yield return $"bytes_per_day: expected 0 or more, found {BytesPerDay}";
        if (MoneyPerCall < 0) yield return $"money_per_call: expected 0 or more, found {MoneyPerCall}";
        if (MoneyPerDay < 0) yield return $"money_per_day: expected 0 or more, found {MoneyPerDay}";
    }
}

/// <summary>Whether one more call is paid for, and if not, what is spent. Also a metric label, in snake case.</summary>
internal enum BudgetVerdict
{
    Granted,

    /// <summary>The rate: too many calls in a short time.</summary>
    Rate,

    /// <summary>The calls of the day.</summary>
    Calls,

    /// <summary>The bytes of the day.</summary>
    Bytes,

    /// <summary>The money of the day.</summary>
    Money,
}

/// <summary>Verdicts in words.</summary>
internal static class BudgetVerdicts
{
    /// <summary>What is spent.</summary>
    public static string Describe(this BudgetVerdict verdict) => verdict switch
    {
        BudgetVerdict.Rate => "too many calls to the larger model in a short time",
        BudgetVerdict.Calls => "the calls of the day are spent",
        BudgetVerdict.Bytes => "the bytes of the day are spent",
        BudgetVerdict.Money => "the money of the day is spent",
        _ => "the budget is spent",
    };
}

/// <summary>What is left of the budget and of its day, as kept on disk.</summary>
/// <param name="Tokens">Calls in the bucket.</param>
/// <param name="DaySeconds">Seconds since the day began.</param>
/// <param name="Calls">Calls of the day.</param>
/// <param name="Bytes">Bytes of the day.</param>
/// <param name="Money">Money of the day.</param>
/// <param name="SavedAt">Wall clock of the last change; only for the time in which the program was not running.</param>
internal sealed record BudgetState(double Tokens, double DaySeconds, int Calls, long Bytes, decimal Money, DateTimeOffset SavedAt);

namespace Vlm.Trainer.Logging;

/// <summary>The range of an axis and the round numbers written along it.</summary>
/// <param name="Low">Smallest value on the axis.</param>
/// <param name="High">Largest value on the axis; above <paramref name="Low"/>.</param>
/// <param name="IsLog">Whether equal distances are equal ratios.</param>
/// <param name="Values">The labelled values, ascending, inside the range.</param>
public sealed record AxisTicks(double Low, double High, bool IsLog, IReadOnlyList<double> Values)
{
    private const int Wanted = 6;
    private const int MostPowers = 8;

    /// <summary>Ticks at multiples of 1, 2 or 5 times a power of ten; the range ends at a tick on both sides.</summary>
    public static AxisTicks Linear(double least, double most)
    {
        if (most <= least)
            (least, most) = least == 0 ? (-1, 1) : (least - Math.Abs(least) / 2, least + Math.Abs(least) / 2);
        double step = RoundStep((most - least) / Wanted);
        (double first, double last) = (Math.Floor(least / step), Math.Ceiling(most / step));
        double[] values = [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)];
        return new AxisTicks(values[0], values[^1], false, values);
    }

    /// <summary>Ticks at powers of ten, and at 2 and 5 times them where there are few; for positive values.</summary>
    public static AxisTicks Logarithmic(double least, double most)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(least);
        int first = (int)Math.Floor(Math.Log10(least));
        int last = Math.Max(first + 1, (int)Math.Ceiling(Math.Log10(most)));
        int stride = (last - first + MostPowers - 1) / MostPowers;
        double[] factors = last - first <= 2 ? [1, 2, 5] : [1];
        double high = Math.Pow(10, last);
        double[] values = [.. from power in Enumerable.Range(first, last - first + 1)
                              where (power - first) % stride == 0
                              from factor in factors
                              let value = factor * Math.Pow(10, power)
                              where value <= high
                              select value];
        return new AxisTicks(Math.Pow(10, first), high, true, values);
    }

    /// <summary>Where a value stands on the axis: 0 at the low end, 1 at the high end.</summary>
    public double Position(double value) =>
        IsLog ? Math.Log(value / Low) / Math.Log(High / Low) : (value - Low) / (High - Low);

    /// <summary>A value as text: <c>0.25</c>, <c>1500</c>, <c>20k</c>, <c>3M</c>.</summary>
    public static string Label(double value) => Math.Abs(value) switch
    {
        >= 1e6 and < 1e9 => $"{value / 1e6:0.###}M",
        >= 1e4 and < 1e6 => $"{value / 1e3:0.###}k",
        >= 1e-4 and < 1e4 or 0 => $"{value:0.#####}",
        _ => $"{value:0.##E0}",
    };

    private static double RoundStep(double atLeast)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(atLeast)));
        double[] factors = [1, 2, 5, 10];
        return power * factors.First(factor => factor * power >= atLeast * (1 - 1e-9));
    }
}

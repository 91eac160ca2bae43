namespace Vlm.Drawing;

/// <summary>One axis of a plot: its range and the round numbers written along it.</summary>
/// <param name="Label">What it shows.</param>
/// <param name="Low">Value at its beginning.</param>
/// <param name="High">Value at its end, above <paramref name="Low"/>.</param>
/// <param name="Ticks">The labelled values, ascending, inside the range.</param>
public sealed record PlotAxis(string Label, double Low, double High, IReadOnlyList<double> Ticks)
{
    private const int Steps = 6;
    private const int MostPowers = 8;

    // Shares nearer to each other than this are shown as equal.
    private const double LeastSpan = 1e-4;

    /// <summary>Whether equal distances are equal ratios.</summary>
    public bool IsLog { get; private init; }

    /// <summary>Whether the values are shares, written as percentages.</summary>
    public bool IsShare { get; private init; }

    /// <summary>Ticks at multiples of 1, 2 or 5 times a power of ten; the range ends at a tick on both sides.</summary>
    public static PlotAxis Linear(string label, double least, double most)
    {
        if (most <= least) (least, most) = least == 0 ? (-1, 1) : (least - Math.Abs(least) / 2, least + Math.Abs(least) / 2);
        var step = RoundStep((most - least) / Steps);
        var (first, last) = (Math.Floor(least / step + 1e-9), Math.Ceiling(most / step - 1e-9));
        double[] values = [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)];
        return new PlotAxis(label, values[0], values[^1], values);
    }

    /// <summary>Ticks at powers of ten, and at 2 and 5 times them where there are few; for positive values.</summary>
    public static PlotAxis Logarithmic(string label, double least, double most)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(least);
        var first = (int)Math.Floor(Math.Log10(least));
        var last = Math.Max(first + 1, (int)Math.Ceiling(Math.Log10(most)));
        var stride = (last - first + MostPowers - 1) / MostPowers;
        double[] factors = last - first <= 2 ? [1, 2, 5] : [1];
        var high = Math.Pow(10, last);
        double[] values = [.. from power in Enumerable.Range(first, last - first + 1)
                              where (power - first) % stride == 0
                              from factor in factors
                              let value = factor * Math.Pow(10, power)
                              where value <= high
                              select value];
        return new PlotAxis(label, Math.Pow(10, first), high, values) { IsLog = true };
    }

    /// <summary>An axis of shares that holds all values and has a readable width even where they are all the same.</summary>
    /// <param name="label">What it shows.</param>
    /// <param name="values">What it must hold.</param>
    /// <param name="fromZero">Whether it starts at 0 whatever the values.</param>
    public static PlotAxis Shares(string label, IEnumerable<double> values, bool fromZero = true)
    {
        double[] all = [.. values.DefaultIfEmpty(0)];
        var least = fromZero ? 0 : all.Min();
        return Linear(label, least, Math.Max(all.Max(), least + LeastSpan)) with { IsShare = true };
    }

    /// <summary>0 at the beginning, 1 at the end; what lies outside is moved to the end.</summary>
    public double Position(double value) =>
        Math.Clamp(IsLog ? Math.Log(value / Low) / Math.Log(High / Low) : (value - Low) / (High - Low), 0, 1);

    /// <summary>
    /// A value as it is written at a tick: <c>0.25</c>, <c>1500</c>, <c>20k</c>, <c>3M</c>, or a percentage with the digits that tell two ticks apart.
    /// </summary>
    public string Text(double value) => IsShare ? $"{Math.Round(value * 100, 4).ToString($"F{Digits}")} %" : Math.Abs(value) switch
    {
        >= 1e6 and < 1e9 => $"{value / 1e6:0.###}M",
        >= 1e4 and < 1e6 => $"{value / 1e3:0.###}k",
        >= 1e-4 and < 1e4 or 0 => $"{value:0.#####}",
        _ => $"{value:0.##E0}",
    };

    private int Digits => Math.Clamp((int)Math.Ceiling(-Math.Log10((Ticks[1] - Ticks[0]) * 100) - 1e-9), 0, 4);

    private static double RoundStep(double atLeast)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(atLeast)));
        return power * ((double[])[1, 2, 5, 10]).First(factor => factor * power >= atLeast * (1 - 1e-9));
    }
}

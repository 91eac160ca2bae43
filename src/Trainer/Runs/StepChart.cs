using Vlm.Drawing;

namespace Vlm.Trainer.Runs;

/// <summary>How a chart over training steps looks.</summary>
/// <param name="Title">Written above it.</param>
/// <param name="IsLog">Whether the vertical axis is logarithmic; values that are not positive are left out then.</param>
/// <param name="Smoothing">
/// Weight of the past in the running mean that is drawn over the faint raw values, 0 (none) to below 1; corrected for the start, as TensorBoard's.
/// </param>
public sealed record PlotStyle(string Title, bool IsLog = false, double Smoothing = 0);

/// <summary>One logged value over the steps of a run.</summary>
/// <param name="Name">What the legend says.</param>
/// <param name="Points">(step, value) with ascending steps; values that are no finite numbers are left out.</param>
public sealed record StepSeries(string Name, IReadOnlyList<(double Step, double Value)> Points);

/// <summary>Line charts of numbers over training steps.</summary>
public static class StepChart
{
    private const byte Faint = 70;

    private static readonly Colour[] Colours = [Plot.Blue, Plot.Red, Plot.Green, Plot.Purple, Plot.Orange, Plot.LightBlue];

    /// <summary>The series on one pair of axes; null when none of them has a value that can be drawn.</summary>
    public static Plot? From(IReadOnlyList<StepSeries> series, PlotStyle style)
    {
        StepSeries[] drawn = [.. series.Select(line => line with { Points = [.. line.Points.Where(point => HasPlace(point.Value, style.IsLog))] })
            .Where(line => line.Points.Count > 0)];
        if (drawn.Length == 0) return null;
        var points = drawn.SelectMany(line => line.Points).ToList();
        var (least, most) = (points.Min(point => point.Value), points.Max(point => point.Value));
        return new Plot(
            style.Title,
            PlotAxis.Linear("step", points.Min(point => point.Step), points.Max(point => point.Step)),
            style.IsLog ? PlotAxis.Logarithmic("", least, most) : PlotAxis.Linear("", least, most),
            [.. drawn.Index().SelectMany(line => Lines(line.Item, style.Smoothing, Colours[line.Index % Colours.Length]))]);
    }

    /// <summary>The running mean of values: each is <paramref name="weight"/> parts past and the rest present, corrected for the missing past.</summary>
    public static double[] Smooth(IEnumerable<double> values, double weight)
    {
        double mean = 0, share = 0;
        return [.. values.Select(value =>
        {
            mean = weight * mean + (1 - weight) * value;
            share = weight * share + (1 - weight);
            return mean / share;
        })];
    }

    private static bool HasPlace(double value, bool isLog) => double.IsFinite(value) && (!isLog || value > 0);

    private static IEnumerable<PlotSeries> Lines(StepSeries line, double smoothing, Colour colour)
    {
        if (smoothing <= 0) return [new PlotSeries(line.Name, colour, line.Points)];
        var means = Smooth(line.Points.Select(point => point.Value), smoothing);
        return
        [
            new PlotSeries(null, colour with { A = Faint }, line.Points),
            new PlotSeries(line.Name, colour, [.. line.Points.Zip(means, (point, mean) => (point.Step, mean))]),
        ];
    }
}

using Vlm.Drawing;
using Vlm.Vision;

namespace Vlm.Trainer.Logging;

/// <summary>One line of a chart. Points whose value is no finite number are left out.</summary>
/// <param name="Name">What the legend says.</param>
/// <param name="Points">(step, value) with ascending steps.</param>
public sealed record PlotSeries(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>How a chart looks.</summary>
/// <param name="Title">Written above it.</param>
/// <param name="IsLog">Whether the vertical axis is logarithmic; values that are not positive are left out then.</param>
/// <param name="Smoothing">
/// Weight of the past in the running mean that is drawn over the faint raw values, 0 (none) to below 1; corrected for the start, as TensorBoard's.
/// </param>
public sealed record PlotStyle(string Title, bool IsLog = false, double Smoothing = 0);

/// <summary>Draws line charts of numbers over training steps.</summary>
public static class Plot
{
    private const int Width = 960, Height = 540;
    private const float TextSize = 15, TitleSize = 19;
    private const byte Faint = 70;

    private static readonly Box Area = new(80, 50, Width - 110, Height - 105);
    private static readonly Colour Ink = new(40, 40, 40);
    private static readonly Colour GridLine = new(225, 225, 225);

    // Okabe and Ito's colours, which readers of every kind of colour vision can tell apart.
    private static readonly Colour[] Colours = [new(0, 114, 178), new(213, 94, 0), new(0, 158, 115), new(204, 121, 167), new(230, 159, 0), new(86, 180, 233)];

    /// <summary>Draws the series on one pair of axes.</summary>
    /// <param name="series">At least one point among them.</param>
    /// <param name="style">Title, axis, smoothing.</param>
    /// <param name="face">The font of all texts.</param>
    /// <exception cref="ArgumentException">No series has a point that can be drawn.</exception>
    public static RgbImage Draw(IReadOnlyList<PlotSeries> series, PlotStyle style, FontFace face)
    {
        PlotSeries[] drawn = [.. series.Select(line => line with { Points = Drawable(line.Points, style.IsLog) }).Where(line => line.Points.Count > 0)];
        if (drawn.Length == 0)
            throw new ArgumentException($"None of the series {string.Join(", ", series.Select(line => line.Name))} has a value to draw.", nameof(series));

        var points = drawn.SelectMany(line => line.Points).ToList();
        var horizontal = AxisTicks.Linear(points.Min(point => point.X), points.Max(point => point.X));
        var (least, most) = (points.Min(point => point.Y), points.Max(point => point.Y));
        var vertical = style.IsLog ? AxisTicks.Logarithmic(least, most) : AxisTicks.Linear(least, most);

        using var canvas = new Canvas(Width, Height, Colour.White);
        var text = new TextStyle(face, TextSize, Ink);
        DrawAxes(canvas, horizontal, vertical, text);
        canvas.Text(style.Title, Area.Left, 32, text with { Size = TitleSize });
        foreach (var (index, line) in drawn.Index())
            DrawLine(canvas, line.Points, style.Smoothing, Colours[index % Colours.Length], point => Place(point, horizontal, vertical));
        DrawLegend(canvas, [.. drawn.Select(line => line.Name)], text);
        return canvas.ToImage();
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

    /// <summary>Whether a value has a place on the vertical axis.</summary>
    public static bool IsDrawable(double value, bool isLog) => double.IsFinite(value) && (!isLog || value > 0);

    private static void DrawAxes(Canvas canvas, AxisTicks horizontal, AxisTicks vertical, TextStyle text)
    {
        foreach (double value in horizontal.Values)
        {
            var (x, bottom) = Place((value, vertical.Low), horizontal, vertical);
            canvas.Line((x, Area.Top), (x, bottom), GridLine);
            string label = AxisTicks.Label(value);
            canvas.Text(label, x - Canvas.Measure(label, text.Face, text.Size).Width / 2, bottom + 22, text);
        }

        foreach (double value in vertical.Values)
        {
            var (left, y) = Place((horizontal.Low, value), horizontal, vertical);
            canvas.Line((left, y), (Area.Left + Area.Width, y), GridLine);
            string label = AxisTicks.Label(value);
            var box = Canvas.Measure(label, text.Face, text.Size);
            canvas.Text(label, left - 10 - box.Width, y + box.Height / 2, text);
        }

        canvas.Outline(Area, Ink);
        const string Unit = "step";
        canvas.Text(Unit, Area.Left + Area.Width - Canvas.Measure(Unit, text.Face, text.Size).Width, Height - 10, text);
    }

    private static void DrawLine(
        Canvas canvas, IReadOnlyList<(double X, double Y)> points, double smoothing, Colour colour, Func<(double X, double Y), (float X, float Y)> place)
    {
        if (smoothing > 0)
        {
            canvas.Polyline([.. points.Select(place)], colour with { A = Faint });
            points = [.. points.Zip(Smooth(points.Select(point => point.Y), smoothing), (point, mean) => (point.X, mean))];
        }

        var line = points.Select(place).ToList();
        canvas.Polyline(line, colour, 2);
        // A single evaluation has no line to show.
        if (line.Count == 1)
            canvas.Fill(new Box(line[0].X - 3, line[0].Y - 3, 6, 6), colour);
    }

    private static void DrawLegend(Canvas canvas, string[] names, TextStyle text)
    {
        const float Row = 22, Dash = 24, Margin = 10;
        float width = names.Max(name => Canvas.Measure(name, text.Face, text.Size).Width) + Dash + 3 * Margin;
        float left = Area.Left + Area.Width - width - Margin;
        canvas.Fill(new Box(left, Area.Top + Margin, width, names.Length * Row + Margin), new Colour(255, 255, 255, 220));
        foreach (var (index, name) in names.Index())
        {
            float y = Area.Top + Margin + Row * (index + 0.75f);
            canvas.Line((left + Margin, y), (left + Margin + Dash, y), Colours[index % Colours.Length], 3);
            canvas.Text(name, left + 2 * Margin + Dash, y + 5, text);
        }
    }

    private static (float X, float Y) Place((double X, double Y) point, AxisTicks horizontal, AxisTicks vertical) => (
        (float)(Area.Left + horizontal.Position(point.X) * Area.Width),
        (float)(Area.Top + (1 - vertical.Position(point.Y)) * Area.Height));

    private static List<(double X, double Y)> Drawable(IReadOnlyList<(double X, double Y)> points, bool isLog) =>
        [.. points.Where(point => IsDrawable(point.Y, isLog))];
}

namespace Vlm.Drawing;

/// <summary>A line or a set of points of a plot.</summary>
/// <param name="Name">In the legend; null leaves it out, such as the faint raw values under a mean.</param>
/// <param name="Colour">Of line, points and legend.</param>
/// <param name="Points">In the order in which they are joined.</param>
public sealed record PlotSeries(string? Name, Colour Colour, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>Dashes instead of a whole line.</summary>
    public bool IsDashed { get; init; }

    /// <summary>Dots instead of a line.</summary>
    public bool IsDots { get; init; }
}

/// <summary>What a plot shows, and where everything stands, whatever it is drawn with. No text is cut off, and the legend lies where no curve runs.</summary>
/// <param name="Title">Above it.</param>
/// <param name="Horizontal">The axis from left to right.</param>
/// <param name="Vertical">The axis from bottom to top.</param>
/// <param name="Series">In the order in which they are drawn, the last one on top.</param>
/// <remarks>Lengths are in pixels of a screen.</remarks>
public sealed record Plot(string Title, PlotAxis Horizontal, PlotAxis Vertical, IReadOnlyList<PlotSeries> Series)
{
    /// <summary>Colours of Okabe and Ito, which readers of every kind of colour vision can tell apart; they show on white and on a dark page.</summary>
    public static readonly Colour Blue = new(0, 114, 178), Red = new(213, 94, 0), Green = new(0, 158, 115), Purple = new(204, 121, 167),
        Orange = new(230, 159, 0), LightBlue = new(86, 180, 233), Grey = new(138, 138, 138);

    /// <summary>Width of the drawing.</summary>
    public const double Width = 600;

    private const double AreaHeight = 270, Top = 34, Right = 30, UnderArea = 48, LegendRow = 20, Swatch = 22, Gap = 20, Pad = 10;

    // About the width of a letter, on the wide side: a page's font is the reader's, so no text is measured.
    private const double Letter = 7;

    // A curve of a thousand answers needs no more steps than the plot has pixels.
    private const int MostPoints = 600;

    /// <summary>Height of the drawing: it grows with the rows of the legend.</summary>
    public double Height => Bottom + UnderArea + LegendRows().Count * LegendRow + Pad;

    private static double Bottom => Top + AreaHeight;

    private double Left => Math.Max(Vertical.Ticks.Max(tick => Vertical.Text(tick).Length) * Letter + 2 * Pad, 56);

    /// <summary>Draws everything but the title.</summary>
    public void Draw(IPlotPen pen)
    {
        ArgumentNullException.ThrowIfNull(pen);
        DrawAxes(pen);
        foreach (var item in Series)
        {
            (double X, double Y)[] points = [.. Thin(item.Points).Select(point => (X(point.X), Y(point.Y)))];
            // A single value has no line to show.
            if (!item.IsDots && points.Length > 1) pen.Curve(points, item.Colour, item.IsDashed);
            else foreach (var point in points) pen.Dot(point, item.Colour);
        }

        foreach (var (row, items) in LegendRows().Index()) DrawLegend(pen, items, Bottom + UnderArea + (row + 0.7) * LegendRow);
    }

    private void DrawAxes(IPlotPen pen)
    {
        foreach (var tick in Horizontal.Ticks)
        {
            pen.Grid((X(tick), Top), (X(tick), Bottom));
            pen.Text(Horizontal.Text(tick), (X(tick), Bottom + 18), Anchor.Middle);
        }

        foreach (var tick in Vertical.Ticks)
        {
            pen.Grid((Left, Y(tick)), (Width - Right, Y(tick)));
            pen.Text(Vertical.Text(tick), (Left - Pad, Y(tick) + 4), Anchor.End);
        }

        pen.Text(Vertical.Label, (Left, Top - 14), Anchor.Start);
        pen.Text(Horizontal.Label, ((Left + Width - Right) / 2, Bottom + 38), Anchor.Middle);
    }

    private void DrawLegend(IPlotPen pen, IReadOnlyList<PlotSeries> items, double y)
    {
        var x = Left;
        foreach (var item in items)
        {
            if (item.IsDots) pen.Dot((x + Swatch / 2, y - 4), item.Colour);
            else pen.Curve([(x, y - 4), (x + Swatch, y - 4)], item.Colour, item.IsDashed);
            pen.Text(item.Name!, (x + Swatch + 6, y), Anchor.Start);
            x += LegendWidth(item);
        }
    }

    private List<List<PlotSeries>> LegendRows()
    {
        var rows = new List<List<PlotSeries>>();
        var x = double.PositiveInfinity;
        foreach (var item in Series.Where(item => item.Name is not null))
        {
            if (x + LegendWidth(item) - Gap > Width - Pad)
            {
                rows.Add([]);
                x = Left;
            }

            rows[^1].Add(item);
            x += LegendWidth(item);
        }

        return rows;
    }

    private static double LegendWidth(PlotSeries item) => Swatch + 6 + item.Name!.Length * Letter + Gap;

    private static IEnumerable<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points)
    {
        var stride = Math.Max(1, points.Count / MostPoints);
        return points.Where((_, index) => index % stride == 0 || index == points.Count - 1);
    }

    private double X(double value) => Left + Horizontal.Position(value) * (Width - Left - Right);

    private double Y(double value) => Bottom - Vertical.Position(value) * AreaHeight;
}

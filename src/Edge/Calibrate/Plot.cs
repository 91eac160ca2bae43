using System.Globalization;
using Vlm.Drawing;

namespace Vlm.Edge.Calibrate;

/// <summary>One axis of a plot.</summary>
/// <param name="Label">What it shows.</param>
/// <param name="Low">Value at its beginning.</param>
/// <param name="High">Value at its end, above <paramref name="Low"/>.</param>
internal sealed record PlotAxis(string Label, double Low, double High)
{
    private const int Steps = 5;

    /// <summary>An axis of shares that holds all values: from 0, or from a round number below them, to a round number above.</summary>
    /// <param name="label">What it shows.</param>
    /// <param name="values">What it must hold.</param>
    /// <param name="fromZero">Whether it starts at 0 whatever the values.</param>
    public static PlotAxis Around(string label, IEnumerable<double> values, bool fromZero)
    {
        var all = values.DefaultIfEmpty(0).ToArray();
        var (low, high) = (fromZero ? 0 : all.Min(), all.Max());
        var span = Math.Max(high - low, 1e-4);
        // Five steps of 1, 2 or 5 times a power of ten.
        var power = Math.Pow(10, Math.Floor(Math.Log10(span / Steps)));
        var step = power * ((double[])[1, 2, 5, 10]).First(factor => factor * power * Steps >= span * (1 - 1e-9));
        low = Math.Floor(low / step + 1e-9) * step;
        return new PlotAxis(label, low, Math.Max(Math.Ceiling(high / step - 1e-9), Math.Round(low / step) + 1) * step);
    }

    /// <summary>0 at the beginning, 1 at the end; what lies outside is moved to the end.</summary>
    public double Position(double value) => Math.Clamp((value - Low) / (High - Low), 0, 1);

    public IEnumerable<double> Ticks => Enumerable.Range(0, Steps + 1).Select(i => Low + (High - Low) * i / Steps);
}

/// <summary>A line or a set of points of a plot.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="Colour">Of line, points and legend.</param>
/// <param name="Points">In the order in which they are joined.</param>
internal sealed record PlotSeries(string Name, Colour Colour, IReadOnlyList<(double X, double Y)> Points)
{
    public bool IsDashed { get; init; }

    /// <summary>Dots instead of a line.</summary>
    public bool IsDots { get; init; }
}

/// <summary>Where a text stands from its point.</summary>
internal enum Anchor
{
    Start,
    Middle,
    End,
}

/// <summary>What a plot is drawn with; y grows downwards, a unit is a pixel of a screen.</summary>
internal interface IPlotPen
{
    /// <summary>A thin line behind everything.</summary>
    void Grid((double X, double Y) from, (double X, double Y) to);

    void Curve(IReadOnlyList<(double X, double Y)> points, Colour colour, bool isDashed);

    void Dot((double X, double Y) at, Colour colour);

    /// <summary>A text whose baseline is at the point.</summary>
    void Text(string text, (double X, double Y) at, Anchor anchor);
}

/// <summary>A plot of shares: what it shows and where everything stands, whatever it is drawn with.</summary>
internal sealed record Plot(string Title, PlotAxis Horizontal, PlotAxis Vertical, IReadOnlyList<PlotSeries> Series)
{
    public const int Width = 560, Height = 372;

    private const int Left = 60, Right = 28, Top = 30, Bottom = 72;

    // About the mean width of a letter, for the legend: no text is measured, since a page's font is the reader's.
    private const double Letter = 6.6;
    private const int Swatch = 22, Gap = 20;

    // A curve of a thousand answers has no more steps than the plot has pixels.
    private const int MostPoints = 600;

    public void Draw(IPlotPen pen)
    {
        Axes(pen);
        foreach (var item in Series)
        {
            var points = Thin(item.Points).Select(point => (X(point.X), Y(point.Y))).ToArray();
            if (!item.IsDots) pen.Curve(points, item.Colour, item.IsDashed);
            else foreach (var point in points) pen.Dot(point, item.Colour);
        }

        Legend(pen);
    }

    private void Axes(IPlotPen pen)
    {
        foreach (var tick in Horizontal.Ticks)
        {
            pen.Grid((X(tick), Top), (X(tick), Height - Bottom));
            pen.Text(Percent(tick, Horizontal), (X(tick), Height - Bottom + 18), Anchor.Middle);
        }

        foreach (var tick in Vertical.Ticks)
        {
            pen.Grid((Left, Y(tick)), (Width - Right, Y(tick)));
            pen.Text(Percent(tick, Vertical), (Left - 8, Y(tick) + 4), Anchor.End);
        }

        pen.Text(Vertical.Label, (Left, Top - 12), Anchor.Start);
        pen.Text(Horizontal.Label, ((Left + Width - Right) / 2.0, Height - Bottom + 38), Anchor.Middle);
    }

    // In a row below the axes, where no curve can run through it.
    private void Legend(IPlotPen pen)
    {
        double x = Left, y = Height - 10;
        foreach (var item in Series)
        {
            if (item.IsDots) pen.Dot((x + Swatch / 2.0, y - 4), item.Colour);
            else pen.Curve([(x, y - 4), (x + Swatch, y - 4)], item.Colour, item.IsDashed);
            pen.Text(item.Name, (x + Swatch + 6, y), Anchor.Start);
            x += Swatch + 6 + item.Name.Length * Letter + Gap;
        }
    }

    private static IEnumerable<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points)
    {
        var stride = Math.Max(1, points.Count / MostPoints);
        return points.Where((_, index) => index % stride == 0 || index == points.Count - 1);
    }

    private double X(double value) => Left + Horizontal.Position(value) * (Width - Left - Right);

    private double Y(double value) => Height - Bottom - Vertical.Position(value) * (Height - Top - Bottom);

    // Enough digits to tell two ticks apart.
    private static string Percent(double value, PlotAxis axis)
    {
        var digits = Math.Clamp((int)Math.Ceiling(-Math.Log10((axis.High - axis.Low) * 100 / 5) + 0.3), 0, 4);
        return $"{(value * 100).ToString($"F{digits}", CultureInfo.InvariantCulture)} %";
    }
}

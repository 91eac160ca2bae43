using System.Globalization;
using System.Net;
using System.Text;

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
/// <param name="Colour">CSS colour.</param>
/// <param name="Points">In the order in which they are joined.</param>
internal sealed record PlotSeries(string Name, string Colour, IReadOnlyList<(double X, double Y)> Points)
{
    public bool IsDashed { get; init; }

    /// <summary>Dots instead of a line.</summary>
    public bool IsDots { get; init; }
}

/// <summary>Draws plots of shares as SVG, to be put into a page: no script, no file beside it.</summary>
internal static class SvgPlot
{
    private const int Width = 560, Height = 360, Left = 70, Right = 16, Top = 14, Bottom = 48;

    // A curve of a thousand answers has no more steps than the plot has pixels.
    private const int MostPoints = 600;

    public static string Draw(PlotAxis horizontal, PlotAxis vertical, IReadOnlyList<PlotSeries> series)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n");
        Axes(svg, horizontal, vertical);
        foreach (var item in series) Series(svg, item, horizontal, vertical);
        Legend(svg, series);
        return svg.Append("</svg>\n").ToString();
    }

    private static void Axes(StringBuilder svg, PlotAxis horizontal, PlotAxis vertical)
    {
        foreach (var tick in horizontal.Ticks)
        {
            var x = X(horizontal, tick);
            svg.Append($"<line class=\"grid\" x1=\"{x:F1}\" y1=\"{Top}\" x2=\"{x:F1}\" y2=\"{Height - Bottom}\"/>");
            svg.Append($"<text x=\"{x:F1}\" y=\"{Height - Bottom + 16}\" text-anchor=\"middle\">{Percent(tick, horizontal)}</text>\n");
        }

        foreach (var tick in vertical.Ticks)
        {
            var y = Y(vertical, tick);
            svg.Append($"<line class=\"grid\" x1=\"{Left}\" y1=\"{y:F1}\" x2=\"{Width - Right}\" y2=\"{y:F1}\"/>");
            svg.Append($"<text x=\"{Left - 6}\" y=\"{y + 4:F1}\" text-anchor=\"end\">{Percent(tick, vertical)}</text>\n");
        }

        svg.Append($"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 10}\" text-anchor=\"middle\">{WebUtility.HtmlEncode(horizontal.Label)}</text>\n");
        var middle = (Top + Height - Bottom) / 2;
        svg.Append($"<text x=\"14\" y=\"{middle}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {middle})\">{WebUtility.HtmlEncode(vertical.Label)}</text>\n");
    }

    private static void Series(StringBuilder svg, PlotSeries series, PlotAxis horizontal, PlotAxis vertical)
    {
        var points = Thin(series.Points).Select(point => (X: X(horizontal, point.X), Y: Y(vertical, point.Y))).ToArray();
        if (series.IsDots)
        {
            foreach (var (x, y) in points) svg.Append($"<circle cx=\"{x:F1}\" cy=\"{y:F1}\" r=\"4\" fill=\"{series.Colour}\"/>");
            svg.Append('\n');
            return;
        }

        var path = string.Join(' ', points.Select(point => $"{point.X:F1},{point.Y:F1}"));
        svg.Append($"<polyline points=\"{path}\" fill=\"none\" stroke=\"{series.Colour}\" stroke-width=\"2\"{(series.IsDashed ? " stroke-dasharray=\"5 4\"" : "")}/>\n");
    }

    private static void Legend(StringBuilder svg, IReadOnlyList<PlotSeries> series)
    {
        foreach (var (index, item) in series.Index())
        {
            var y = Top + 14 + 17 * index;
            svg.Append($"<rect x=\"{Width - Right - 216}\" y=\"{y - 8}\" width=\"14\" height=\"8\" fill=\"{item.Colour}\"/>");
            svg.Append($"<text x=\"{Width - Right - 196}\" y=\"{y}\">{WebUtility.HtmlEncode(item.Name)}</text>\n");
        }
    }

    private static IEnumerable<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points)
    {
        var stride = Math.Max(1, points.Count / MostPoints);
        return points.Where((_, index) => index % stride == 0 || index == points.Count - 1);
    }

    private static double X(PlotAxis axis, double value) => Left + axis.Position(value) * (Width - Left - Right);

    private static double Y(PlotAxis axis, double value) => Height - Bottom - axis.Position(value) * (Height - Top - Bottom);

    // Enough digits to tell two ticks apart.
    private static string Percent(double value, PlotAxis axis)
    {
        var digits = Math.Clamp((int)Math.Ceiling(-Math.Log10((axis.High - axis.Low) * 100 / 5) + 0.3), 0, 4);
        return $"{(value * 100).ToString($"F{digits}", CultureInfo.InvariantCulture)} %";
    }
}

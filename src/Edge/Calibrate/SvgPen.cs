using System.Net;
using System.Text;
using Vlm.Drawing;

namespace Vlm.Edge.Calibrate;

/// <summary>Draws a plot as SVG, to be put into a page: no script, no file beside it. Text and grid have the page's colours.</summary>
internal sealed class SvgPen : IPlotPen
{
    private readonly StringBuilder _svg = new();

    private SvgPen()
    {
    }

    public static string Draw(Plot plot)
    {
        var pen = new SvgPen();
        plot.Draw(pen);
        return $"<svg viewBox=\"0 0 {Plot.Width} {Plot.Height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(plot.Title)}\" xmlns=\"http://www.w3.org/2000/svg\">\n{pen._svg}</svg>\n";
    }

    public void Grid((double X, double Y) from, (double X, double Y) to) =>
        _svg.Append($"<line class=\"grid\" x1=\"{from.X:F1}\" y1=\"{from.Y:F1}\" x2=\"{to.X:F1}\" y2=\"{to.Y:F1}\"/>\n");

    public void Curve(IReadOnlyList<(double X, double Y)> points, Colour colour, bool isDashed)
    {
        var path = string.Join(' ', points.Select(point => $"{point.X:F1},{point.Y:F1}"));
        _svg.Append($"<polyline points=\"{path}\" fill=\"none\" stroke=\"{Hex(colour)}\" stroke-width=\"2\"{(isDashed ? " stroke-dasharray=\"5 4\"" : "")}/>\n");
    }

    public void Dot((double X, double Y) at, Colour colour) => _svg.Append($"<circle cx=\"{at.X:F1}\" cy=\"{at.Y:F1}\" r=\"4\" fill=\"{Hex(colour)}\"/>\n");

    public void Text(string text, (double X, double Y) at, Anchor anchor) =>
        _svg.Append($"<text x=\"{at.X:F1}\" y=\"{at.Y:F1}\" text-anchor=\"{Name(anchor)}\">{WebUtility.HtmlEncode(text)}</text>\n");

    private static string Name(Anchor anchor) => anchor switch
    {
        Anchor.Start => "start",
        Anchor.Middle => "middle",
        _ => "end",
    };

    private static string Hex(Colour colour) => $"#{colour.R:x2}{colour.G:x2}{colour.B:x2}";
}

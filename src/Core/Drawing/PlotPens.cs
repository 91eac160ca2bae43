using System.Net;
using System.Text;
using Vlm.Vision;

namespace Vlm.Drawing;

/// <summary>Where a text stands from its point.</summary>
public enum Anchor
{
    /// <summary>To the right of it.</summary>
    Start,

    /// <summary>Its middle is there.</summary>
    Middle,

    /// <summary>To the left of it.</summary>
    End,
}

/// <summary>What a plot is drawn with; y grows downwards.</summary>
public interface IPlotPen
{
    /// <summary>A thin line under everything.</summary>
    void Grid((double X, double Y) from, (double X, double Y) to);

    /// <summary>A line from point to point.</summary>
    void Curve(IReadOnlyList<(double X, double Y)> points, Colour colour, bool isDashed);

    /// <summary>A disc.</summary>
    void Dot((double X, double Y) at, Colour colour);

    /// <summary>A text whose baseline is at the point.</summary>
    void Text(string text, (double X, double Y) at, Anchor anchor);
}

/// <summary>Draws a plot as a picture with its title above it, for documents and chats that show no SVG.</summary>
public sealed class PngPen : IPlotPen
{
    // Sharp on screens with two pixels per unit.
    private const float Scale = 2;
    private const int TitleHeight = 32;
    private const float TextSize = 12, TitleSize = 15;

    private static readonly Colour Ink = new(0x22, 0x22, 0x22);
    private static readonly Colour GridLine = new(0xe4, 0xe4, 0xe4);

    private readonly Canvas _canvas;
    private readonly TextStyle _text;

    private PngPen(Canvas canvas, TextStyle text) => (_canvas, _text) = (canvas, text);

    /// <summary>Draws a plot.</summary>
    /// <param name="plot">What is drawn.</param>
    /// <param name="face">The font of all texts; it draws digits and punctuation.</param>
    /// <returns>A picture of twice the plot's size, higher by the title.</returns>
    public static RgbImage Draw(Plot plot, FontFace face)
    {
        ArgumentNullException.ThrowIfNull(plot);
        using var canvas = new Canvas((int)(Plot.Width * Scale), (int)((plot.Height + TitleHeight) * Scale), Colour.White);
        canvas.Text(plot.Title, 12 * Scale, 24 * Scale, new TextStyle(face, TitleSize * Scale, Ink));
        plot.Draw(new PngPen(canvas, new TextStyle(face, TextSize * Scale, Ink)));
        return canvas.ToImage();
    }

    /// <inheritdoc/>
    public void Grid((double X, double Y) from, (double X, double Y) to) => _canvas.Line(Place(from), Place(to), GridLine, Scale);

    /// <inheritdoc/>
    public void Curve(IReadOnlyList<(double X, double Y)> points, Colour colour, bool isDashed)
    {
        (float, float)[] placed = [.. points.Select(Place)];
        if (isDashed) _canvas.Dashes(placed, colour, 2 * Scale, (5 * Scale, 4 * Scale));
        else _canvas.Polyline(placed, colour, 2 * Scale);
    }

    /// <inheritdoc/>
    // A line's ends are round, so one without length is a disc.
    public void Dot((double X, double Y) at, Colour colour) => _canvas.Line(Place(at), Place(at), colour, 8 * Scale);

    /// <inheritdoc/>
    public void Text(string text, (double X, double Y) at, Anchor anchor)
    {
        var (x, y) = Place(at);
        var ink = Canvas.Measure(text, _text.Face, _text.Size);
        var width = ink.Left + ink.Width;
        _canvas.Text(text, anchor == Anchor.Start ? x : anchor == Anchor.Middle ? x - width / 2 : x - width, y, _text);
    }

    private static (float X, float Y) Place((double X, double Y) point) => ((float)point.X * Scale, ((float)point.Y + TitleHeight) * Scale);
}

/// <summary>Draws a plot as SVG, to be put into a page: no script, no file beside it. Text and grid have the page's colours.</summary>
public sealed class SvgPen : IPlotPen
{
    private readonly StringBuilder _svg = new();

    private SvgPen()
    {
    }

    /// <summary>Draws a plot.</summary>
    public static string Draw(Plot plot)
    {
        ArgumentNullException.ThrowIfNull(plot);
        var pen = new SvgPen();
        plot.Draw(pen);
        var title = WebUtility.HtmlEncode(plot.Title);
        return $"<svg viewBox=\"0 0 {Plot.Width:F0} {plot.Height:F0}\" role=\"img\" aria-label=\"{title}\" "
            + $"xmlns=\"http://www.w3.org/2000/svg\">\n{pen._svg}</svg>\n";
    }

    /// <inheritdoc/>
    public void Grid((double X, double Y) from, (double X, double Y) to) =>
        _svg.Append($"<line class=\"grid\" x1=\"{from.X:F1}\" y1=\"{from.Y:F1}\" x2=\"{to.X:F1}\" y2=\"{to.Y:F1}\"/>\n");

    /// <inheritdoc/>
    public void Curve(IReadOnlyList<(double X, double Y)> points, Colour colour, bool isDashed)
    {
        var path = string.Join(' ', points.Select(point => $"{point.X:F1},{point.Y:F1}"));
        _svg.Append($"<polyline points=\"{path}\" fill=\"none\" stroke=\"{Hex(colour)}\" "
            + $"stroke-width=\"2\"{(isDashed ? " stroke-dasharray=\"5 4\"" : "")}/>\n");
    }

    /// <inheritdoc/>
    public void Dot((double X, double Y) at, Colour colour) => _svg.Append($"<circle cx=\"{at.X:F1}\" cy=\"{at.Y:F1}\" r=\"4\" fill=\"{Hex(colour)}\"/>\n");

    /// <inheritdoc/>
    public void Text(string text, (double X, double Y) at, Anchor anchor) =>
        _svg.Append($"<text x=\"{at.X:F1}\" y=\"{at.Y:F1}\" text-anchor=\"{Name(anchor)}\">{WebUtility.HtmlEncode(text)}</text>\n");

    private static string Name(Anchor anchor) => anchor switch
    {
        Anchor.Start => "start",
        Anchor.Middle => "middle",
        _ => "end",
    };

    private static string Hex(Colour colour) => $"#{colour.R:x2}{colour.G:x2}{colour.B:x2}{(colour.A == 255 ? "" : $"{colour.A:x2}")}";
}

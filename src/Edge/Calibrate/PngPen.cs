using Vlm.Drawing;
using Vlm.Vision;

namespace Vlm.Edge.Calibrate;

/// <summary>Draws a plot as a picture with its title above it, for documents and chats that show no SVG.</summary>
internal sealed class PngPen : IPlotPen
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

    public static RgbImage Draw(Plot plot, FontFace face)
    {
        using var canvas = new Canvas((int)(Plot.Width * Scale), (int)((Plot.Height + TitleHeight) * Scale), Colour.White);
        canvas.Text(plot.Title, 12 * Scale, 24 * Scale, new TextStyle(face, TitleSize * Scale, Ink));
        plot.Draw(new PngPen(canvas, new TextStyle(face, TextSize * Scale, Ink)));
        return canvas.ToImage();
    }

    public void Grid((double X, double Y) from, (double X, double Y) to) => _canvas.Line(Place(from), Place(to), GridLine, Scale);

    public void Curve(IReadOnlyList<(double X, double Y)> points, Colour colour, bool isDashed)
    {
        (float, float)[] placed = [.. points.Select(Place)];
        if (isDashed) _canvas.Dashes(placed, colour, 2 * Scale, (5 * Scale, 4 * Scale));
        else _canvas.Polyline(placed, colour, 2 * Scale);
    }

    // A line's ends are round, so one without length is a disc.
    public void Dot((double X, double Y) at, Colour colour) => _canvas.Line(Place(at), Place(at), colour, 8 * Scale);

    public void Text(string text, (double X, double Y) at, Anchor anchor)
    {
        var (x, y) = Place(at);
        var ink = Canvas.Measure(text, _text.Face, _text.Size);
        var width = ink.Left + ink.Width;
        _canvas.Text(text, anchor == Anchor.Start ? x : anchor == Anchor.Middle ? x - width / 2 : x - width, y, _text);
    }

    private static (float X, float Y) Place((double X, double Y) point) => ((float)point.X * Scale, ((float)point.Y + TitleHeight) * Scale);
}

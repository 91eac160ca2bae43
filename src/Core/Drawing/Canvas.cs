using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using SkiaSharp;
using Vlm.Vision;

namespace Vlm.Drawing;

/// <summary>A colour with opacity (255 covers fully).</summary>
public readonly record struct Colour(byte R, byte G, byte B, byte A = 255)
{
    /// <summary>White.</summary>
    public static readonly Colour White = new(255, 255, 255);

    /// <summary>Black.</summary>
    public static readonly Colour Black = new(0, 0, 0);
}

/// <summary>A rectangle in pixels: left top corner and size.</summary>
public readonly record struct Box(float Left, float Top, float Width, float Height);

/// <summary>How far glyph outlines are moved to the pixel grid before they are rasterised.</summary>
public enum GlyphHinting
{
    /// <summary>Not at all: outlines as designed.</summary>
    None,

    /// <summary>As most text renderers do: sharp horizontal strokes.</summary>
    Normal,
}

/// <summary>A rasterised glyph: coverage per pixel, placed relative to the pen on the baseline.</summary>
/// <param name="Left">Column of the first mask pixel, relative to the pen.</param>
/// <param name="Top">Row of the first mask pixel, relative to the baseline (negative is above).</param>
/// <param name="Width">Columns; 0 for an empty glyph.</param>
/// <param name="Height">Rows; 0 for an empty glyph.</param>
/// <param name="Advance">How far the pen moves, in pixels.</param>
/// <param name="Alpha">[Height, Width] coverage, 0 to 255; trimmed, so every border row and column has ink.</param>
public sealed record GlyphMask(int Left, int Top, int Width, int Height, float Advance, byte[] Alpha);

/// <summary>A font read from a file. Glyph masks are cached; all members may be called from several threads.</summary>
public sealed class FontFace
{
    private readonly ConcurrentDictionary<(char Character, float Size, GlyphHinting Hinting), GlyphMask> _masks = new();

    private readonly float _ascent;

    private FontFace(SKTypeface typeface)
    {
        Typeface = typeface;
        using var font = new SKFont(typeface, 1000);
        _ascent = -font.Metrics.Ascent / 1000;
    }

    internal SKTypeface Typeface { get; }

    /// <summary>Reads a font file (TTF, OTF; the first face of a collection).</summary>
    /// <exception cref="InvalidDataException">The file cannot be read as a font.</exception>
    public static FontFace Open(string path) =>
        new(SKTypeface.FromFile(path) ?? throw new InvalidDataException($"{path}: expected a TrueType or OpenType font; it cannot be read as one"));

    /// <summary>Whether the font draws every character of <paramref name="text"/>.</summary>
    public bool Has(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        using var font = new SKFont(Typeface);
        return font.ContainsGlyphs(text);
    }

    /// <summary>Distance from the top of a line to its baseline, in pixels.</summary>
    /// <param name="size">Pixels per em.</param>
    public float Ascent(float size) => _ascent * size;

    /// <summary>The mask of one character.</summary>
    /// <param name="character">The character.</param>
    /// <param name="size">Pixels per em.</param>
    /// <param name="hinting">Alignment to the pixel grid.</param>
    public GlyphMask Glyph(char character, float size, GlyphHinting hinting) =>
        _masks.TryGetValue((character, size, hinting), out var mask)
            ? mask
            : _masks.GetOrAdd((character, size, hinting), key => Rasterise(key.Character, key.Size, key.Hinting));

    internal SKFont Font(float size, GlyphHinting hinting) => new(Typeface, size)
    {
        Edging = SKFontEdging.Antialias,
        Hinting = hinting == GlyphHinting.None ? SKFontHinting.None : SKFontHinting.Normal,
        Subpixel = false,
    };

    private GlyphMask Rasterise(char character, float size, GlyphHinting hinting)
    {
        using var font = Font(size, hinting);
        using var paint = new SKPaint { IsAntialias = true, Color = SKColors.Black };
        var text = character.ToString();
        var advance = font.MeasureText(text, out var bounds, paint);
        // Two pixels more on each side: hinting may move outlines beyond the measured bounds.
        var left = (int)MathF.Floor(bounds.Left) - 2;
        var top = (int)MathF.Floor(bounds.Top) - 2;
        var width = (int)MathF.Ceiling(bounds.Right) + 2 - left;
        var height = (int)MathF.Ceiling(bounds.Bottom) + 2 - top;
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Alpha8, SKAlphaType.Premul));
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(SKColors.Transparent);
            canvas.DrawText(text, -left, -top, SKTextAlign.Left, font, paint);
        }

        return Trimmed(new GlyphMask(left, top, width, height, advance, Rows(bitmap)));
    }

    private static byte[] Rows(SKBitmap bitmap)
    {
        var alpha = new byte[bitmap.Width * bitmap.Height];
        var pixels = bitmap.GetPixelSpan();
        for (var y = 0; y < bitmap.Height; y++)
            pixels.Slice(y * bitmap.RowBytes, bitmap.Width).CopyTo(alpha.AsSpan(y * bitmap.Width));
        return alpha;
    }

    private static GlyphMask Trimmed(GlyphMask mask)
    {
        int left = mask.Width, top = mask.Height, right = -1, bottom = -1;
        for (var i = 0; i < mask.Alpha.Length; i++)
        {
            if (mask.Alpha[i] < 16) continue;
            var (y, x) = Math.DivRem(i, mask.Width);
            (left, right) = (Math.Min(left, x), Math.Max(right, x));
            (top, bottom) = (Math.Min(top, y), Math.Max(bottom, y));
        }

        if (right < 0) return new GlyphMask(0, 0, 0, 0, mask.Advance, []);
        var (width, height) = (right - left + 1, bottom - top + 1);
        var alpha = new byte[width * height];
        for (var y = 0; y < height; y++)
            mask.Alpha.AsSpan(((top + y) * mask.Width) + left, width).CopyTo(alpha.AsSpan(y * width));
        return new GlyphMask(mask.Left + left, mask.Top + top, width, height, mask.Advance, alpha);
    }
}

/// <summary>
/// A picture to draw on: text, lines, rectangles. For figures and overlays; the decoder pictures of training are composed from
/// glyph masks directly, which is faster. This file and the codec are the only ones that touch SkiaSharp.
/// </summary>
public sealed class Canvas : IDisposable
{
    private readonly SKBitmap _bitmap;
    private readonly SKCanvas _canvas;

    /// <summary>An empty picture of one colour.</summary>
    public Canvas(int width, int height, Colour background)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        _bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul));
        _canvas = new SKCanvas(_bitmap);
        _canvas.Clear(Skia(background));
    }

    /// <summary>A copy of a picture to draw over.</summary>
    public static Canvas Over(RgbImage picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        var canvas = new Canvas(picture.Width, picture.Height, Colour.White);
        var pixels = MemoryMarshal.AsBytes(canvas.Pixels());
        for (int from = 0, to = 0; from < picture.Pixels.Length; from += 3, to += 4)
        {
            picture.Pixels.AsSpan(from, 3).CopyTo(pixels[to..]);
            pixels[to + 3] = 255;
        }

        canvas._bitmap.NotifyPixelsChanged();
        return canvas;
    }

    /// <summary>Where the ink of a text would be if its baseline started at (0, 0).</summary>
    public static Box Measure(string text, FontFace face, float size)
    {
        ArgumentNullException.ThrowIfNull(face);
        using var font = face.Font(size, GlyphHinting.None);
        font.MeasureText(text, out var bounds);
        return new Box(bounds.Left, bounds.Top, bounds.Width, bounds.Height);
    }

    /// <summary>Draws a text whose baseline starts at (<paramref name="x"/>, <paramref name="y"/>); returns the box of its ink.</summary>
    public Box Text(string text, float x, float y, TextStyle style)
    {
        ArgumentNullException.ThrowIfNull(style);
        using var font = style.Face.Font(style.Size, GlyphHinting.None);
        using var paint = Paint(style.Colour, SKPaintStyle.Fill, 0);
        _canvas.DrawText(text, x, y, SKTextAlign.Left, font, paint);
        var ink = Measure(text, style.Face, style.Size);
        return ink with { Left = ink.Left + x, Top = ink.Top + y };
    }

    /// <summary>Draws a straight line.</summary>
    public void Line((float X, float Y) from, (float X, float Y) to, Colour colour, float width = 1) => Polyline([from, to], colour, width);

    /// <summary>Draws lines from point to point.</summary>
    public void Polyline(IReadOnlyList<(float X, float Y)> points, Colour colour, float width = 1)
    {
        ArgumentNullException.ThrowIfNull(points);
        using var paint = Paint(colour, SKPaintStyle.Stroke, width);
        for (var i = 1; i < points.Count; i++)
            _canvas.DrawLine(points[i - 1].X, points[i - 1].Y, points[i].X, points[i].Y, paint);
    }

    /// <summary>Draws dashes along lines from point to point.</summary>
    /// <param name="points">In the order in which they are joined.</param>
    /// <param name="colour">Of the dashes.</param>
    /// <param name="width">Of the dashes, in pixels.</param>
    /// <param name="dash">Length of a dash and of the gap after it, in pixels.</param>
    public void Dashes(IReadOnlyList<(float X, float Y)> points, Colour colour, float width, (float On, float Off) dash)
    {
        ArgumentNullException.ThrowIfNull(points);
        using var paint = Paint(colour, SKPaintStyle.Stroke, width);
        using var effect = SKPathEffect.CreateDash([dash.On, dash.Off], 0);
        (paint.PathEffect, paint.StrokeCap) = (effect, SKStrokeCap.Butt);
        using var builder = new SKPathBuilder();
        builder.AddPoly([.. points.Select(point => new SKPoint(point.X, point.Y))], close: false);
        using var path = builder.Detach();
        _canvas.DrawPath(path, paint);
    }

    /// <summary>Fills a rectangle.</summary>
    public void Fill(Box box, Colour colour)
    {
        using var paint = Paint(colour, SKPaintStyle.Fill, 0);
        _canvas.DrawRect(box.Left, box.Top, box.Width, box.Height, paint);
    }

    /// <summary>Draws the border of a rectangle.</summary>
    public void Outline(Box box, Colour colour, float width = 1)
    {
        using var paint = Paint(colour, SKPaintStyle.Stroke, width);
        _canvas.DrawRect(box.Left, box.Top, box.Width, box.Height, paint);
    }

    /// <summary>Draws a picture with its top left corner at (<paramref name="left"/>, <paramref name="top"/>).</summary>
    public void Picture(RgbImage picture, int left, int top)
    {
        using var source = Over(picture);
        using var image = SKImage.FromBitmap(source._bitmap);
        _canvas.DrawImage(image, left, top, SKSamplingOptions.Default);
    }

    /// <summary>What has been drawn.</summary>
    public RgbImage ToImage()
    {
        _canvas.Flush();
        var pixels = new byte[_bitmap.Width * _bitmap.Height * 3];
        var source = MemoryMarshal.AsBytes(Pixels());
        for (int from = 0, to = 0; to < pixels.Length; from += 4, to += 3) source.Slice(from, 3).CopyTo(pixels.AsSpan(to));
        return new RgbImage(_bitmap.Width, _bitmap.Height, pixels);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _canvas.Dispose();
        _bitmap.Dispose();
    }

    private unsafe Span<uint> Pixels() => new((void*)_bitmap.GetPixels(), _bitmap.Width * _bitmap.Height);

    private static SKPaint Paint(Colour colour, SKPaintStyle style, float width) =>
        new() { Color = Skia(colour), IsAntialias = true, Style = style, StrokeWidth = width, StrokeCap = SKStrokeCap.Round };

    private static SKColor Skia(Colour colour) => new(colour.R, colour.G, colour.B, colour.A);
}

/// <summary>How a text is drawn on a <see cref="Canvas"/>.</summary>
/// <param name="Face">The font.</param>
/// <param name="Size">Pixels per em.</param>
/// <param name="Colour">The ink.</param>
public sealed record TextStyle(FontFace Face, float Size, Colour Colour);

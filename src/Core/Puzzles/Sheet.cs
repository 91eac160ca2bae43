using System.Buffers;
using Vlm.Cryptogram;
using Vlm.Drawing;
using Vlm.Statistics;

namespace Vlm.Puzzles;

/// <summary>
/// A drawn sheet: one plane of ink coverage, and where the pairs are. Colours come later, so that the camera warps one plane instead of three.
/// </summary>
internal sealed class Sheet : IDisposable
{
    /// <summary>Height of the strip below the grid that holds the 26th pair of a 5x5 grid.</summary>
    private const float Strip = 50;

    private readonly SheetStyle _style;
    private readonly float _scale;
    private readonly byte[] _ink;
    private readonly List<PairLabel> _labels = [];

    private Sheet(SheetStyle style, float scale)
    {
        (_style, _scale) = (style, scale);
        Width = (int)MathF.Round(style.Width * scale);
        Height = (int)MathF.Round(style.Height * scale);
        // Rented: an array of this size for every picture would keep the garbage collector busy with large objects.
        _ink = ArrayPool<byte>.Shared.Rent(Width * Height);
        Ink.Clear();
        InkBox = new Box(Width / 2f, Height / 2f, 0, 0);
    }

    /// <summary>Pixels to the right.</summary>
    public int Width { get; }

    /// <summary>Pixels downwards.</summary>
    public int Height { get; }

    /// <summary>[Height, Width] coverage by ink, 0 to 255.</summary>
    public Span<byte> Ink => _ink.AsSpan(0, Width * Height);

    /// <summary>Places of the pairs in the sheet's pixels.</summary>
    public IReadOnlyList<PairLabel> Labels => _labels;

    /// <summary>The smallest box around all letters, with a pixel to spare.</summary>
    public Box InkBox { get; private set; }

    /// <summary>Draws the 26 pairs in a random order.</summary>
    /// <param name="cipher">The alphabet to show.</param>
    /// <param name="style">The look.</param>
    /// <param name="scale">Sheet pixels per style pixel, 0.4 to 2.</param>
    /// <param name="rng">For order and jitter.</param>
    public static Sheet Draw(Cipher cipher, SheetStyle style, float scale, SeededRandom rng)
    {
        var coded = Enumerable.Range('a', Cipher.Letters).Select(letter => (char)letter).ToArray();
        rng.Shuffle(coded);
        return Draw(cipher, coded, style, scale, rng);
    }

    /// <summary>Draws the pairs in the order of <paramref name="coded"/>.</summary>
    public static Sheet Draw(Cipher cipher, char[] coded, SheetStyle style, float scale, SeededRandom rng)
    {
        var sheet = new Sheet(style, scale);
        var pairs = sheet.SetText(cipher, coded);
        var cells = sheet.Cells();
        sheet.Decorate(cells);
        for (var i = 0; i < pairs.Length; i++) sheet.Place(pairs[i], cells[i], rng);
        return sheet;
    }

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_ink);

    /// <summary>Shapes every pair; drops the spaces, then takes a smaller font where the widest pair would not fit its cell.</summary>
    private PairText[] SetText(Cipher cipher, char[] coded)
    {
        var size = MathF.Max(7, MathF.Round(_style.FontSize * _scale));
        var cell = (_style.Width - (2 * _style.Margin)) / _style.Columns * _scale;
        var arrow = _style.Arrow;
        while (true)
        {
            var pairs = Array.ConvertAll(coded, letter => PairText.Set(letter, cipher.Decode(letter), arrow, _style, size));
            // The gap between pairs must stay wider than the gaps within.
            var spaced = arrow.Contains(' ', StringComparison.Ordinal);
            if (size <= 7 || pairs.Max(pair => pair.Width) <= cell * (spaced ? 0.78f : 0.96f)) return pairs;
            if (spaced) arrow = arrow.Trim();
            else size--;
        }
    }

    /// <summary>The 26 cells in sheet pixels, in the order of the pairs.</summary>
    private Box[] Cells()
    {
        var alone = _style.Columns * _style.Rows < Cipher.Letters;
        var margin = _style.Margin * _scale;
        var width = (Width - (2 * margin)) / _style.Columns;
        var strip = alone ? Strip * _scale : 0;
        var height = (Height - (2 * margin) - strip) / _style.Rows;
        var cells = new Box[Cipher.Letters];
        for (var i = 0; i < cells.Length; i++)
        {
            var (row, column) = Math.DivRem(i, _style.Columns);
            var left = Cipher.Letters - (row * _style.Columns);
            var indent = left >= _style.Columns ? 0 : (_style.Columns - left) * _style.LastRow * width;
            cells[i] = new Box(margin + indent + (column * width), margin + (row * height), width, row < _style.Rows ? height : strip);
        }

        return cells;
    }

    private void Place(PairText pair, Box cell, SeededRandom rng)
    {
        var x = cell.Left + ((cell.Width - pair.Width) / 2);
        var middle = cell.Top + (cell.Height / 2);
        var baseline = _style.Placement switch
        {
            VerticalPlacement.Reference => ReferenceBaseline(pair, cell),
            VerticalPlacement.Baseline => middle + (0.35f * pair.Size),
            _ => middle - pair.Top - (pair.Height / 2f),
        };
        // Not so far that a pair meets its neighbour.
        var jitter = _style.Jitter * _scale;
        var jitterX = MathF.Max(0, MathF.Min(jitter, ((cell.Width - pair.Width) / 2) - 1));
        var jitterY = MathF.Max(0, MathF.Min(jitter, ((cell.Height - pair.Height) / 2) - 1));
        x = Within(x + rng.Uniform(-jitterX, jitterX), 0, Width - pair.Width);
        baseline = Within(baseline + rng.Uniform(-jitterY, jitterY), -pair.Top, Height - pair.Height - pair.Top);
        Stamp(pair, (int)MathF.Round(x), (int)MathF.Round(baseline));
    }

    /// <summary>
    /// The reference centres by the ink's size but draws from the line's top, so the ink hangs lower, and not all pairs at the same height;
    /// the pair below the grid starts 10 pixels under it.
    /// </summary>
    private float ReferenceBaseline(PairText pair, Box cell)
    {
        var below = cell.Top + 1 >= Height - (Strip * _scale);
        var lineTop = below ? cell.Top + (10 * _scale) : cell.Top + ((cell.Height - pair.Height) / 2);
        return MathF.Floor(lineTop) + MathF.Ceiling(_style.LineAscent * pair.Size);
    }

    private static float Within(float value, float low, float high) => MathF.Max(low, MathF.Min(value, high));

    private void Stamp(PairText pair, int x, int baseline)
    {
        foreach (var (mask, pen) in pair.Glyphs) Stamp(mask, x - pair.Left + pen, baseline);
        InkBox = Around(InkBox, x - 1, baseline + pair.Top - 1, x + pair.Width + 1, baseline + pair.Top + pair.Height + 1);
        var coded = Centre(pair.Glyphs[0], x - pair.Left, baseline);
        var plain = Centre(pair.Glyphs[^1], x - pair.Left, baseline);
        _labels.Add(new PairLabel(
            pair.Coded, pair.Plain, coded.X, coded.Y, plain.X, plain.Y, x + (pair.Width / 2f), baseline + pair.Top + (pair.Height / 2f)));
    }

    private static Box Around(Box box, float left, float top, float right, float bottom)
    {
        var (newLeft, newTop) = (MathF.Min(box.Left, left), MathF.Min(box.Top, top));
        return new Box(newLeft, newTop, MathF.Max(box.Left + box.Width, right) - newLeft, MathF.Max(box.Top + box.Height, bottom) - newTop);
    }

    private static (float X, float Y) Centre((GlyphMask Mask, int Pen) glyph, int x, int baseline) =>
        (x + glyph.Pen + glyph.Mask.Left + (glyph.Mask.Width / 2f), baseline + glyph.Mask.Top + (glyph.Mask.Height / 2f));

    private void Stamp(GlyphMask mask, int x, int baseline)
    {
        for (var row = 0; row < mask.Height; row++)
        {
            var y = baseline + mask.Top + row;
            if (y < 0 || y >= Height) continue;
            var target = Ink.Slice(y * Width, Width);
            for (var column = 0; column < mask.Width; column++)
            {
                var left = x + mask.Left + column;
                if (left >= 0 && left < Width) Cover(ref target[left], mask.Alpha[(row * mask.Width) + column]);
            }
        }
    }

    private void Decorate(Box[] cells)
    {
        var ink = (byte)(255 * _style.DecorationInk);
        var line = MathF.Max(1, MathF.Round(_scale * (_style.DecorationInk < 0.4f ? 2 : 1)));
        switch (_style.Decoration)
        {
            case Decoration.GridLines:
                foreach (var cell in cells) Outline(cell, line, ink);
                break;
            case Decoration.CellBorders:
                foreach (var cell in cells) Outline(Inset(cell, 0.06f), line, ink);
                break;
            case Decoration.Cards:
                foreach (var cell in cells) Fill(Inset(cell, 0.06f), ink);
                break;
            case Decoration.Frame:
                Outline(new Box(3 * _scale, 3 * _scale, Width - (6 * _scale), Height - (6 * _scale)), line, ink);
                break;
        }
    }

    private static Box Inset(Box box, float share)
    {
        var by = share * MathF.Min(box.Width, box.Height);
        return new Box(box.Left + by, box.Top + by, box.Width - (2 * by), box.Height - (2 * by));
    }

    private void Outline(Box box, float line, byte ink)
    {
        Fill(box with { Height = line }, ink);
        Fill(box with { Top = box.Top + box.Height - line, Height = line }, ink);
        Fill(box with { Width = line }, ink);
        Fill(box with { Left = box.Left + box.Width - line, Width = line }, ink);
    }

    private void Fill(Box box, byte ink)
    {
        var (left, right) = (Math.Max(0, (int)MathF.Round(box.Left)), Math.Min(Width, (int)MathF.Round(box.Left + box.Width)));
        var (top, bottom) = (Math.Max(0, (int)MathF.Round(box.Top)), Math.Min(Height, (int)MathF.Round(box.Top + box.Height)));
        for (var y = top; y < bottom; y++)
        {
            // Neighbouring cells share lines: the darker ink wins instead of adding up.
            var row = Ink.Slice((y * Width) + left, Math.Max(0, right - left));
            foreach (ref var pixel in row) pixel = Math.Max(pixel, ink);
        }
    }

    private static void Cover(ref byte pixel, byte alpha) => pixel = (byte)(255 - (((255 - pixel) * (255 - alpha)) / 255));
}

/// <summary>A pair as glyph masks along a baseline.</summary>
internal sealed record PairText(char Coded, char Plain, float Size, IReadOnlyList<(GlyphMask Mask, int Pen)> Glyphs)
{
    /// <summary>First ink column relative to the pen's start.</summary>
    public int Left => Glyphs[0].Pen + Glyphs[0].Mask.Left;

    /// <summary>Ink width.</summary>
    public int Width => Glyphs[^1].Pen + Glyphs[^1].Mask.Left + Glyphs[^1].Mask.Width - Left;

    /// <summary>First ink row relative to the baseline.</summary>
    public int Top { get; } = Glyphs.Where(glyph => glyph.Mask.Height > 0).Min(glyph => glyph.Mask.Top);

    /// <summary>Ink height.</summary>
    public int Height => Glyphs.Max(glyph => glyph.Mask.Top + glyph.Mask.Height) - Top;

    /// <summary>Sets one pair.</summary>
    public static PairText Set(char coded, char plain, string arrow, SheetStyle style, float size)
    {
        var text = style.UpperCase
            ? $"{char.ToUpperInvariant(coded)}{arrow}{char.ToUpperInvariant(plain)}"
            : $"{coded}{arrow}{plain}";
        var glyphs = new (GlyphMask, int)[text.Length];
        var pen = 0f;
        for (var i = 0; i < text.Length; i++)
        {
            var face = i == 0 || i == text.Length - 1 ? style.Face : style.ArrowFace;
            var mask = face.Glyph(text[i], size, style.Hinting);
            glyphs[i] = (mask, (int)MathF.Round(pen));
            pen += mask.Advance;
        }

        return new PairText(coded, plain, size, glyphs);
    }
}

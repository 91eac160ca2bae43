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
    private readonly List<PairBoxes> _boxes = [];

    private Sheet(SheetStyle style, float scale)
        : this(style, scale, (int)MathF.Round(style.Width * scale), (int)MathF.Round(style.Height * scale))
    {
    }

    private Sheet(SheetStyle style, float scale, int width, int height)
    {
        (_style, _scale, Width, Height) = (style, scale, width, height);
        // Rented: an array of this size for every picture would keep the garbage collector busy with large objects.
        _ink = ArrayPool<byte>.Shared.Rent(Width * Height);
        Ink.Clear();
        InkBox = new Box(Width / 2f, Height / 2f, 0, 0);
    }

    /// <summary>Its pixels per pixel of the style.</summary>
    public float Scale => _scale;

    /// <summary>Pixels to the right.</summary>
    public int Width { get; }

    /// <summary>Pixels downwards.</summary>
    public int Height { get; }

    /// <summary>[Height, Width] coverage by ink, 0 to 255.</summary>
    public Span<byte> Ink => _ink.AsSpan(0, Width * Height);

    /// <summary>Places of the pairs in the sheet's pixels.</summary>
    public IReadOnlyList<PairLabel> Labels => _labels;

    /// <summary>The ink of the pairs' letters in the sheet's pixels, in the order of <see cref="Labels"/>.</summary>
    public IReadOnlyList<PairBoxes> Boxes => _boxes;

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
    public static Sheet Draw(Cipher cipher, char[] coded, SheetStyle style, float scale, SeededRandom rng) =>
        Draw(Array.ConvertAll(coded, letter => SheetCell.Pair(letter, cipher.Decode(letter))), style, scale, rng);

    /// <summary>Draws texts, cell after cell; where there is null a cell stays free.</summary>
    public static Sheet Draw(IReadOnlyList<SheetCell?> texts, SheetStyle style, float scale, SeededRandom rng)
    {
        var sheet = new Sheet(style, scale);
        var glyphs = sheet.SetText(texts);
        var cells = sheet.Cells(texts.Count);
        sheet.Decorate(cells);
        sheet.PlaceHeading();
        for (var i = 0; i < glyphs.Length; i++)
        {
            if (glyphs[i] is { } text) sheet.Place(text, cells[i], rng);
        }

        return sheet;
    }

    /// <summary>Two sheets on one paper, beside each other or one below the other, each in the middle of its half.</summary>
    public static Sheet Together(Sheet first, Sheet second, bool isStacked, int gap)
    {
        var (width, height) = isStacked
            ? (Math.Max(first.Width, second.Width), first.Height + gap + second.Height)
            : (first.Width + gap + second.Width, Math.Max(first.Height, second.Height));
        var paper = new Sheet(first._style, first._scale, width, height);
        paper.Paste(first, isStacked ? (width - first.Width) / 2 : 0, isStacked ? 0 : (height - first.Height) / 2);
        paper.Paste(second, isStacked ? (width - second.Width) / 2 : first.Width + gap, isStacked ? first.Height + gap : (height - second.Height) / 2);
        return paper;
    }

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_ink);

    private void Paste(Sheet other, int left, int top)
    {
        for (var row = 0; row < other.Height; row++)
            other.Ink.Slice(row * other.Width, other.Width).CopyTo(Ink.Slice(((top + row) * Width) + left, other.Width));
        var inked = Moved(other.InkBox, left, top);
        InkBox = _boxes.Count == 0 ? inked : Around(InkBox, inked);
        _labels.AddRange(other._labels.Select(label => label.Moved((x, y) => (x + left, y + top))));
        _boxes.AddRange(other._boxes.Select(boxes => new PairBoxes(Moved(boxes.Coded, left, top), Moved(boxes.Plain, left, top))));
    }

    private static Box Moved(Box box, int right, int down) => box with { Left = box.Left + right, Top = box.Top + down };

    /// <summary>Shapes every text; drops the spaces, then takes a smaller font where the widest would not fit its cell.</summary>
    private CellGlyphs?[] SetText(IReadOnlyList<SheetCell?> texts)
    {
        var size = MathF.Max(7, MathF.Round(_style.FontSize * _scale));
        var cell = (_style.Width - (2 * _style.Margin)) / _style.Columns * _scale;
        var arrow = _style.Arrow;
        while (true)
        {
            CellGlyphs?[] set = [.. texts.Select(text => text is null ? null : CellGlyphs.Set(text, arrow, _style, size))];
            // The gap between pairs must stay wider than the gaps within.
            var spaced = arrow.Contains(' ', StringComparison.Ordinal);
            if (size <= 7 || set.Max(text => text?.Width ?? 0) <= cell * (spaced ? 0.78f : 0.96f)) return set;
            if (spaced) arrow = arrow.Trim();
            else size--;
        }
    }

    /// <summary>The cells in sheet pixels, in the order of the texts.</summary>
    private Box[] Cells(int count)
    {
        var alone = _style.Columns * _style.Rows < count;
        var margin = _style.Margin * _scale;
        var head = HeadingHeight;
        var width = (Width - (2 * margin)) / _style.Columns;
        var strip = alone ? Strip * _scale : 0;
        var height = (Height - (2 * margin) - strip - head) / _style.Rows;
        var cells = new Box[count];
        for (var i = 0; i < cells.Length; i++)
        {
            var (row, column) = Math.DivRem(i, _style.Columns);
            var left = count - (row * _style.Columns);
            var indent = left >= _style.Columns ? 0 : (_style.Columns - left) * _style.LastRow * width;
            cells[i] = new Box(margin + indent + (column * width), margin + head + (row * height), width, row < _style.Rows ? height : strip);
        }

        return cells;
    }

    private float HeadingHeight => _style.Heading is null ? 0 : 2.2f * _style.FontSize * _scale;

    private void PlaceHeading()
    {
        if (_style.Heading is not { } heading) return;
        var size = MathF.Max(8, MathF.Round(_style.FontSize * _scale));
        var text = CellGlyphs.Set(new SheetCell(heading, null, CellKind.Other), "", _style, size);
        for (; text.Width > 0.94f * Width && size > 8; text = CellGlyphs.Set(text.Cell, "", _style, size)) size--;
        var margin = _style.Margin * _scale;
        Stamp(text, (int)((Width - text.Width) / 2f), (int)(margin + (HeadingHeight / 2) - text.Top - (text.Height / 2f)));
    }

    private void Place(CellGlyphs pair, Box cell, SeededRandom rng)
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
    private float ReferenceBaseline(CellGlyphs pair, Box cell)
    {
        var below = cell.Top + 1 >= Height - (Strip * _scale);
        var lineTop = below ? cell.Top + (10 * _scale) : cell.Top + ((cell.Height - pair.Height) / 2);
        return MathF.Floor(lineTop) + MathF.Ceiling(_style.LineAscent * pair.Size);
    }

    private static float Within(float value, float low, float high) => MathF.Max(low, MathF.Min(value, high));

    private void Stamp(CellGlyphs text, int x, int baseline)
    {
        foreach (var (mask, pen) in text.Glyphs) Stamp(mask, x - text.Left + pen, baseline);
        InkBox = Around(InkBox, x - 1, baseline + text.Top - 1, x + text.Width + 1, baseline + text.Top + text.Height + 1);
        if (text.Cell.Kind == CellKind.Other) return;
        var coded = Centre(text.Coded, x - text.Left, baseline);
        var plain = Centre(text.Plain, x - text.Left, baseline);
        _boxes.Add(new PairBoxes(Inked(text.Coded, x - text.Left, baseline), Inked(text.Plain, x - text.Left, baseline)));
        _labels.Add(new PairLabel(
            text.Cell.Coded, text.Cell.Plain, coded.X, coded.Y, plain.X, plain.Y, x + (text.Width / 2f), baseline + text.Top + (text.Height / 2f)));
    }

    private static Box Inked((GlyphMask Mask, int Pen) glyph, int x, int baseline) =>
        new(x + glyph.Pen + glyph.Mask.Left, baseline + glyph.Mask.Top, glyph.Mask.Width, glyph.Mask.Height);

    private static Box Around(Box box, Box other) => Around(box, other.Left, other.Top, other.Left + other.Width, other.Top + other.Height);

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

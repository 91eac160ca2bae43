using Vlm.Drawing;

namespace Vlm.Puzzles;

/// <summary>What a text on a sheet says about letters.</summary>
internal enum CellKind
{
    /// <summary>A pair, the coded letter first: <c>g→z</c>.</summary>
    Pair,

    /// <summary>A pair, the plain letter first: <c>z←g</c>.</summary>
    Backward,

    /// <summary>Nothing: a number, a word, another alphabet.</summary>
    Other,
}

/// <summary>The text of one cell of a sheet: one piece, or two with the sheet's arrow between them.</summary>
/// <param name="First">The first piece.</param>
/// <param name="Last">The second piece; null where there is none, and no arrow.</param>
/// <param name="Kind">What it says.</param>
internal sealed record SheetCell(string First, string? Last, CellKind Kind)
{
    /// <summary>The coded letter of a pair.</summary>
    public char Coded => Kind == CellKind.Backward ? Last![0] : First[0];

    /// <summary>The plain letter of a pair.</summary>
    public char Plain => Kind == CellKind.Backward ? First[0] : Last![0];

    /// <summary>A pair in the usual order.</summary>
    public static SheetCell Pair(char coded, char plain) => new(coded.ToString(), plain.ToString(), CellKind.Pair);

    /// <summary>A pair with the plain letter first.</summary>
    public static SheetCell Backward(char coded, char plain) => new(plain.ToString(), coded.ToString(), CellKind.Backward);
}

/// <summary>Where the letters of a pair are inked, in pixels of the sheet or of the picture.</summary>
/// <param name="Coded">Around the coded letter.</param>
/// <param name="Plain">Around the plain letter.</param>
internal sealed record PairBoxes(Box Coded, Box Plain);

/// <summary>The text of a cell as glyph masks along a baseline.</summary>
internal sealed record CellGlyphs(SheetCell Cell, float Size, IReadOnlyList<(GlyphMask Mask, int Pen)> Glyphs)
{
    /// <summary>First ink column relative to the pen's start.</summary>
    public int Left => Glyphs[0].Pen + Glyphs[0].Mask.Left;

    /// <summary>Ink width.</summary>
    public int Width => Glyphs[^1].Pen + Glyphs[^1].Mask.Left + Glyphs[^1].Mask.Width - Left;

    /// <summary>First ink row relative to the baseline.</summary>
    public int Top { get; } = Glyphs.Where(glyph => glyph.Mask.Height > 0).Min(glyph => glyph.Mask.Top);

    /// <summary>Ink height.</summary>
    public int Height => Glyphs.Max(glyph => glyph.Mask.Top + glyph.Mask.Height) - Top;

    /// <summary>The coded letter's glyph.</summary>
    public (GlyphMask Mask, int Pen) Coded => Cell.Kind == CellKind.Backward ? Glyphs[^1] : Glyphs[0];

    /// <summary>The plain letter's glyph.</summary>
    public (GlyphMask Mask, int Pen) Plain => Cell.Kind == CellKind.Backward ? Glyphs[0] : Glyphs[^1];

    /// <summary>Sets the text of one cell.</summary>
    public static CellGlyphs Set(SheetCell cell, string arrow, SheetStyle style, float size)
    {
        var between = cell.Last is null ? "" : arrow;
        var (first, last) = style.UpperCase ? (cell.First.ToUpperInvariant(), cell.Last?.ToUpperInvariant()) : (cell.First, cell.Last);
        var text = first + between + last;
        var glyphs = new (GlyphMask, int)[text.Length];
        var pen = 0f;
        for (var i = 0; i < text.Length; i++)
        {
            var face = i >= first.Length && i < first.Length + between.Length ? style.ArrowFace : style.Face;
            var mask = face.Glyph(text[i], size, style.Hinting);
            glyphs[i] = (mask, (int)MathF.Round(pen));
            pen += mask.Advance;
        }

        return new CellGlyphs(cell, size, glyphs);
    }
}

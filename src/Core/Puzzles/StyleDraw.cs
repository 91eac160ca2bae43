using Vlm.Drawing;
using Vlm.Statistics;

namespace Vlm.Puzzles;

/// <summary>Draws the look of a sheet at random: font, size, grid, arrow, case, jitter, lines, colours.</summary>
internal static class StyleDraw
{
    // Shapes in which 26 pairs of 16-26 pixels fit; the first is the reference's, and every third sheet or so has it.
    private static readonly (int Columns, int Rows)[] Grids =
        [(5, 5), (5, 5), (5, 5), (5, 5), (5, 6), (5, 6), (6, 5), (6, 5), (4, 7), (4, 7), (7, 4), (3, 9), (2, 13)];

    private static readonly string[] Arrows =
        ["→", "→", "→", "→", "→", "→", "→", " → ", " → ", " → ", "->", " -> ", "=", " = ", ":", ": ", "=>", " => "];

    private static readonly string[] NarrowArrows = ["→", "→", "→", "->", "=", ":"];

    /// <summary>A look in one of <paramref name="faces"/>.</summary>
    public static SheetStyle Next(SeededRandom rng, IReadOnlyList<FontFace> faces)
    {
        var face = faces[rng.Next(faces.Count)];
        if (rng.Chance(0.25)) return LikeReference(rng, face);
        var (columns, rows) = rng.Pick<(int, int)>(Grids);
        var aspect = Aspect(rng, columns, rows);
        var arrow = rng.Pick<string>(columns > 5 ? NarrowArrows : Arrows);
        var (paper, ink) = Colours(rng);
        var decoration = rng.Chance(0.62) ? Decoration.None : (Decoration)rng.Between(1, 4);
        return new SheetStyle
        {
            Width = (int)(400 * MathF.Max(1, aspect)),
            Height = (int)(400 * MathF.Max(1, 1 / aspect)),
            Columns = columns,
            Rows = rows,
            Face = face,
            FontSize = rng.Between(16, 26),
            Arrow = arrow,
            ArrowFace = rng.Chance(0.85) ? Fonts.ArrowFor(face, arrow) : Fonts.Arrow,
            Hinting = rng.Chance(0.5) ? GlyphHinting.Normal : GlyphHinting.None,
            UpperCase = rng.Chance(0.25),
            Placement = rng.Pick(VerticalPlacement.Reference, VerticalPlacement.InkCentre, VerticalPlacement.Baseline),
            LineAscent = face.Ascent(1),
            Jitter = decoration is Decoration.None or Decoration.Frame && rng.Chance(0.6) ? rng.Uniform(1, 8) : rng.Uniform(0, 2),
            Margin = rng.Uniform(0, 24),
            LastRow = rng.Pick(0f, 0.5f, 0.5f, 0.5f),
            Decoration = decoration,
            DecorationInk = decoration == Decoration.Cards ? rng.Uniform(0.03f, 0.16f) : rng.Uniform(0.15f, 0.9f),
            Paper = paper,
            Ink = ink,
        };
    }

    /// <summary>The reference's layout as other programs draw it: another face, another idea of where the middle of a text is.</summary>
    private static SheetStyle LikeReference(SeededRandom rng, FontFace face)
    {
        var style = rng.Chance(0.15) ? SheetStyle.Reference300(face) : SheetStyle.Reference400(face);
        return style with
        {
            FontSize = rng.Between(17, 23),
            Hinting = rng.Pick(GlyphHinting.Normal, GlyphHinting.None),
            Placement = rng.Pick(VerticalPlacement.Reference, VerticalPlacement.InkCentre, VerticalPlacement.Baseline),
            LineAscent = rng.Chance(0.3) ? style.LineAscent : face.Ascent(1),
            Jitter = rng.Pick(0f, 0f, 3f),
        };
    }

    /// <summary>Width to height of the sheet: mostly square, longer for grids with many rows or columns.</summary>
    private static float Aspect(SeededRandom rng, int columns, int rows)
    {
        var natural = (columns, rows) switch
        {
            (2, 13) => rng.Uniform(0.62f, 0.95f),
            (3, 9) => rng.Uniform(0.7f, 1f),
            (7, 4) => rng.Uniform(1.1f, 1.45f),
            _ => 1f,
        };
        return natural == 1 && rng.Chance(0.4) ? rng.Uniform(0.85f, 1.2f) : natural;
    }

    private static (Colour Paper, Colour Ink) Colours(SeededRandom rng)
    {
        var look = rng.NextDouble();
        if (look < 0.3) return (Colour.White, Colour.Black);
        if (look < 0.72) return (Grey(rng.Between(200, 255)), Grey(rng.Between(0, 90)));
        if (look < 0.92) return (Tinted(rng, 200, 255), Tinted(rng, 0, 95));
        return (Tinted(rng, 0, 70), Tinted(rng, 185, 255));
    }

    /// <summary>A grey, 0 to 255.</summary>
    public static Colour Grey(int level) => new((byte)level, (byte)level, (byte)level);

    /// <summary>Any colour with its parts in a range.</summary>
    public static Colour Tinted(SeededRandom rng, int low, int high) =>
        new((byte)rng.Between(low, high), (byte)rng.Between(low, high), (byte)rng.Between(low, high));
}

using Vlm.Drawing;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Puzzles;

/// <summary>
/// Sheets as people make them, all of which a person reads at once: hundreds of faces from hairline to black, any separator, light on dark, squeezed, tilted,
/// smaller than the frame.
/// </summary>
internal static class WideStyle
{
    private static readonly (int Columns, int Rows)[] Grids =
        [(5, 5), (5, 5), (5, 6), (6, 5), (4, 7), (7, 4), (3, 9), (2, 13)];

    private static readonly string[] Arrows =
    [
        "→", "→", "→", "->", "=>", "⇒", "➔", "|", "|", " | ", "=", ":", "—", "–", "-", "~", "·", ">", "»", "/", "..", " ", "  ",
        " → ", " = ", ": ", " - ", " > ",
    ];

    /// <summary>Share of sheets whose pixels are not square.</summary>
    private const double Squeezed = 0.2;

    /// <summary>Share of sheets that lie tilted in a larger frame.</summary>
    private const double Tilted = 0.3;

    /// <summary>Most degrees of tilt to either side.</summary>
    private const float MaxTilt = 30;

    /// <summary>A look in a face of one of <paramref name="families"/>, all families equally often.</summary>
    public static SheetStyle Next(SeededRandom rng, IReadOnlyList<IReadOnlyList<FontFace>> families)
    {
        var faces = families[rng.Next(families.Count)];
        var face = faces[rng.Next(faces.Count)];
        var (columns, rows) = rng.Pick<(int, int)>(Grids);
        var aspect = columns == 2 ? rng.Uniform(0.62f, 0.9f) : columns == 7 ? rng.Uniform(1.1f, 1.4f) : rng.Uniform(0.9f, 1.15f);
        var arrow = rng.Pick<string>(Arrows);
        if (columns > 5) arrow = arrow.Trim() is { Length: > 0 } narrow ? narrow : "→";
        var (paper, ink) = Colours(rng);
        var decoration = rng.Chance(0.7) ? Decoration.None : (Decoration)rng.Between(1, 4);
        return new SheetStyle
        {
            Width = (int)(400 * MathF.Max(1, aspect)),
            Height = (int)(400 * MathF.Max(1, 1 / aspect)),
            Columns = columns,
            Rows = rows,
            Face = face,
            FontSize = rng.Between(18, 28),
            Arrow = arrow,
            ArrowFace = Fonts.ArrowFor(rng.Chance(0.7) ? face : Fonts.Reference, arrow),
            Hinting = rng.Chance(0.5) ? GlyphHinting.Normal : GlyphHinting.None,
            UpperCase = rng.Chance(0.25),
            Placement = rng.Pick(VerticalPlacement.InkCentre, VerticalPlacement.Baseline, VerticalPlacement.Baseline),
            LineAscent = face.Ascent(1),
            Jitter = rng.Chance(0.5) ? rng.Uniform(0, 4) : 0,
            Margin = rng.Uniform(0, 24),
            LastRow = rng.Pick(0f, 0.5f),
            Decoration = decoration,
            DecorationInk = decoration == Decoration.Cards ? rng.Uniform(0.03f, 0.16f) : rng.Uniform(0.15f, 0.9f),
            Paper = paper,
            Ink = ink,
        };
    }

    /// <summary>Draws it flat, squeezed, or tilted in a larger frame.</summary>
    public static SheetPicture Picture(Func<float, Sheet> draw, SheetStyle style, SeededRandom rng)
    {
        if (!rng.Chance(Tilted))
        {
            var flat = SheetPicture.Flat(draw, style, PictureKind.Variant, rng);
            return rng.Chance(Squeezed) ? Squeeze(flat, rng) : flat;
        }

        var shot = CameraShot.Draw(rng, 1, 0.5, style) with { Rotation = rng.Uniform(-MaxTilt, MaxTilt) * MathF.PI / 180 };
        return SheetPicture.Through(draw, style, shot, rng);
    }

    /// <summary>One side down to a third.</summary>
    private static SheetPicture Squeeze(SheetPicture sheet, SeededRandom rng)
    {
        var share = rng.Uniform(0.34f, 0.95f);
        var (width, height) = rng.Chance(0.5) ? (share, 1f) : (1f, share);
        var picture = Resize.Bicubic(sheet.Picture, (int)(sheet.Picture.Width * width), (int)(sheet.Picture.Height * height));
        return new SheetPicture(
            picture,
            [.. sheet.Labels.Select(label => label.Moved((x, y) => (x * width, y * height)))],
            [.. sheet.Boxes.Select(boxes => new PairBoxes(Scaled(boxes.Coded, width, height), Scaled(boxes.Plain, width, height)))]);
    }

    private static Box Scaled(Box box, float across, float down) => new(box.Left * across, box.Top * down, box.Width * across, box.Height * down);

    /// <summary>Black on white, greys, colours; a third of them light on dark.</summary>
    private static (Colour Paper, Colour Ink) Colours(SeededRandom rng)
    {
        var look = rng.NextDouble();
        if (look < 0.3) return (Colour.White, Colour.Black);
        var (light, dark) = look < 0.65
            ? (StyleDraw.Grey(rng.Between(205, 255)), StyleDraw.Grey(rng.Between(0, 80)))
            : (StyleDraw.Tinted(rng, 195, 255), StyleDraw.Tinted(rng, 0, 85));
        return rng.Chance(0.5) ? (dark, light) : (light, dark);
    }
}

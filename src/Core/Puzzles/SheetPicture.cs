using Vlm.Drawing;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Puzzles;

/// <summary>A picture of a sheet and where the pairs are in it; labels and boxes in the same order, in pixels of the picture.</summary>
internal sealed record SheetPicture(RgbImage Picture, IReadOnlyList<PairLabel> Labels, IReadOnlyList<PairBoxes> Boxes)
{
    /// <summary>[4] the paper's corners in a scene, clockwise from the sheet's top left; null in other pictures.</summary>
    public IReadOnlyList<(float X, float Y)>? Corners { get; init; }

    [ThreadStatic]
    private static Photograph? _photograph;

    /// <summary>A sheet drawn flat, in the size and file format of other programs.</summary>
    /// <param name="draw">Draws the sheet at a scale.</param>
    /// <param name="style">Its look.</param>
    /// <param name="kind">One of <see cref="PictureKind"/>.</param>
    /// <param name="rng">Source of every choice.</param>
    public static SheetPicture Flat(Func<float, Sheet> draw, SheetStyle style, string kind, SeededRandom rng)
    {
        // Other programs draw larger and smaller sheets; steps of a quarter keep the glyph cache small.
        var scale = kind == PictureKind.Variant ? rng.Pick(0.75f, 1f, 1f, 1f, 1.25f, 1.5f) : 1;
        using var sheet = draw(scale);
        var picture = Photograph.Flat(sheet, style);
        if (kind == PictureKind.Variant && rng.Chance(0.15)) picture = ImageCodec.Decode(ImageCodec.EncodeJpeg(picture, rng.Between(60, 95)));
        return new SheetPicture(picture, sheet.Labels, sheet.Boxes);
    }

    /// <summary>A sheet as a camera sees it.</summary>
    /// <param name="draw">Draws the sheet at a scale.</param>
    /// <param name="style">Its look.</param>
    /// <param name="severity">1 to 5.</param>
    /// <param name="otherShapes">Share of frames that are not square.</param>
    /// <param name="rng">Source of every choice.</param>
    public static SheetPicture Photographed(Func<float, Sheet> draw, SheetStyle style, int severity, double otherShapes, SeededRandom rng)
    {
        return Through(draw, style, CameraShot.Draw(rng, severity, otherShapes, style), rng);
    }

    /// <summary>A sheet as it comes out of a shot.</summary>
    public static SheetPicture Through(Func<float, Sheet> draw, SheetStyle style, CameraShot shot, SeededRandom rng)
    {
        // Drawn at about the size it has in the frame, so that sampling neither blurs nor aliases.
        var scale = Math.Clamp(MathF.Ceiling(shot.Magnification(style) * rng.Pick(8f, 8f, 10f)) / 8, 0.5f, 1.75f);
        using var sheet = draw(scale);
        return Photographed(sheet, style, shot, shot.Place(sheet), rng);
    }

    /// <summary>A sheet that lies in the frame as <paramref name="map"/> says.</summary>
    public static SheetPicture Photographed(Sheet sheet, SheetStyle style, CameraShot shot, Homography map, SeededRandom rng)
    {
        var picture = (_photograph ??= new Photograph()).Take(sheet, style, shot, map, rng);
        return new SheetPicture(
            picture,
            [.. sheet.Labels.Select(label => label.Moved((x, y) => map.Map(x, y)))],
            [.. sheet.Boxes.Select(boxes => new PairBoxes(Seen(boxes.Coded, map), Seen(boxes.Plain, map)))]);
    }

    /// <summary>The upright box around a box of the sheet as it lies in the frame.</summary>
    private static Box Seen(Box box, Homography map)
    {
        var (right, bottom) = (box.Left + box.Width, box.Top + box.Height);
        ReadOnlySpan<(float X, float Y)> corners = [map.Map(box.Left, box.Top), map.Map(right, box.Top), map.Map(right, bottom), map.Map(box.Left, bottom)];
        var (low, high) = (corners[0], corners[0]);
        foreach (var (x, y) in corners)
        {
            low = (MathF.Min(low.X, x), MathF.Min(low.Y, y));
            high = (MathF.Max(high.X, x), MathF.Max(high.Y, y));
        }

        return new Box(low.X, low.Y, high.X - low.X, high.Y - low.Y);
    }
}

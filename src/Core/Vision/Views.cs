namespace Vlm.Vision;

/// <summary>
/// Other views of the same picture: every letter meets the grid of patches elsewhere, larger or turned a little, so what was misread by chance is read
/// otherwise.
/// </summary>
public static class Views
{
    /// <summary>How many views there are beside the picture itself.</summary>
    public const int Count = 4;

    // Around the middles of the outermost letters, so that the letters are whole and the sheet's edge is mostly gone.
    private const double Near = 0.10, Wide = 0.14;

    // Nearer than this at least, or the view would be the picture once more.
    private const double Whole = 0.97;

    private const double Turn = 3;

    // A turned picture is made smaller by this much, so that its corners stay inside.
    private const double Shrink = 1.05;

    // Unequal, so that left and right, top and bottom move by different shares of a patch.
    private const int NearShare = 36, FarShare = 60;

    /// <summary>A view.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="view">1 to <see cref="Count"/>: nearer, a little less near and moved, turned right, turned left.</param>
    /// <param name="letters">The middles of the outermost letters; null when it is not known where they are.</param>
    public static RgbImage Of(RgbImage picture, int view, PictureArea? letters)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentOutOfRangeException.ThrowIfLessThan(view, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(view, Count);
        return view switch
        {
            1 => letters?.Grown(Near) is { } near && (near.Right - near.Left) * (near.Bottom - near.Top) < Whole
                ? near.Of(picture)
                : Bordered(picture, FarShare, NearShare),
            2 => Bordered(letters?.Grown(Wide).Of(picture) ?? picture, NearShare, FarShare),
            3 => Turned(picture, Turn),
            _ => Turned(picture, -Turn),
        };
    }

    /// <summary>
    /// The picture with a border that repeats its outermost pixels: 1/<paramref name="near"/> of the side on the left and above, 1/<paramref name="far"/> on
    /// the right and below.
    /// </summary>
    private static RgbImage Bordered(RgbImage picture, int near, int far)
    {
        var (left, right) = (Math.Max(1, picture.Width / near), Math.Max(1, picture.Width / far));
        var (top, bottom) = (Math.Max(1, picture.Height / near), Math.Max(1, picture.Height / far));
        var (width, height) = (picture.Width + left + right, picture.Height + top + bottom);
        var pixels = new byte[width * height * 3];
        for (var y = 0; y < height; y++)
        {
            var source = picture.Pixels.AsSpan(Math.Clamp(y - top, 0, picture.Height - 1) * picture.Width * 3, picture.Width * 3);
            var row = pixels.AsSpan(y * width * 3, width * 3);
            source.CopyTo(row[(left * 3)..]);
            for (var x = 0; x < left; x++) source[..3].CopyTo(row[(x * 3)..]);
            for (var x = left + picture.Width; x < width; x++) source[^3..].CopyTo(row[(x * 3)..]);
        }

        return new RgbImage(width, height, pixels);
    }

    /// <summary>The picture turned clockwise about its middle, its outermost pixels repeated where nothing is left; bilinear.</summary>
    private static RgbImage Turned(RgbImage picture, double degrees)
    {
        var (sin, cos) = Math.SinCos(-degrees * Math.PI / 180);
        var (middleX, middleY) = ((picture.Width - 1) / 2.0, (picture.Height - 1) / 2.0);
        var pixels = new byte[picture.Pixels.Length];
        for (var y = 0; y < picture.Height; y++)
        {
            for (var x = 0; x < picture.Width; x++)
            {
                var (dx, dy) = (Shrink * (x - middleX), Shrink * (y - middleY));
                picture.Sample(
                    middleX + (cos * dx) - (sin * dy), middleY + (sin * dx) + (cos * dy), pixels.AsSpan(((y * picture.Width) + x) * 3, 3));
            }
        }

        return new RgbImage(picture.Width, picture.Height, pixels);
    }
}

namespace Vlm.Vision;

/// <summary>The same picture, a little smaller and moved: every letter meets the grid of patches elsewhere, so what was misread by chance is read otherwise.</summary>
public static class SecondLook
{
    // Unequal, so that left and right, top and bottom move by different shares of a patch.
    private const int NearShare = 36, FarShare = 60;

    /// <summary>The picture with a border that repeats its outermost pixels: 1/36 of the side on the left and above, 1/60 on the right and below.</summary>
    public static RgbImage At(RgbImage picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        var (left, right) = (Share(picture.Width, NearShare), Share(picture.Width, FarShare));
        var (top, bottom) = (Share(picture.Height, NearShare), Share(picture.Height, FarShare));
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

    private static int Share(int side, int share) => Math.Max(1, side / share);
}

using Vlm.Vision;

namespace Vlm.Edge.Cameras;

/// <summary>Whether a picture shows nothing for want of light, or because something covers the lens.</summary>
internal static class Darkness
{
    /// <summary>Pixels that are enough to tell.</summary>
    public const int EnoughPixels = 20_000;

    // Of 0 to 255. Black video is 0 to 16; the noise of a covered sensor stays below twice that.
    private const int Black = 32;
    private const double Share = 0.995;

    /// <summary>Whether all but a few pixels are black.</summary>
    public static bool Is(RgbImage picture)
    {
        var dark = 0;
        for (var at = 0; at < picture.Pixels.Length; at += 3)
        {
            if (Math.Max(picture.Pixels[at], Math.Max(picture.Pixels[at + 1], picture.Pixels[at + 2])) < Black) dark++;
        }
        return dark >= Share * picture.Width * picture.Height;
    }
}

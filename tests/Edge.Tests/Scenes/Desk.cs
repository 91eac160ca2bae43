using Vlm.Vision;

namespace Vlm.Edge.Tests.Scenes;

/// <summary>What lies before a scripted camera.</summary>
internal sealed record DeskScene
{
    /// <summary>Number of the sheet; 0 for none. Other numbers have other letters.</summary>
    public int Sheet { get; init; }

    /// <summary>Quarters by which the sheet is turned.</summary>
    public int Quarters { get; init; }

    /// <summary>Whether a hand lies on part of the sheet.</summary>
    public bool IsCovered { get; init; }

    /// <summary>Where a moving hand is, 0 to 1 across; null for none.</summary>
    public double? Hand { get; init; }

    /// <summary>Whether the camera has switched to infra-red.</summary>
    public bool IsNight { get; init; }

    /// <summary>How light it is; 1 is usual.</summary>
    public double Light { get; init; } = 1;

    /// <summary>What is different in the noise.</summary>
    public int Noise { get; init; }
}

/// <summary>Draws a desk, with the noise of a sensor: small, quick and the same each time.</summary>
internal static class Desk
{
    public const int Width = 160, Height = 120;
    private const int SheetLeft = 40, SheetTop = 22, SheetSide = 76;

    public static RgbImage Draw(DeskScene scene)
    {
        var pixels = new byte[Width * Height * 3];
        var noise = (uint)((scene.Noise * 2654435761) | 1);
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
                Paint(scene, (x, y), (int)(noise % 7) - 3, pixels.AsSpan(((y * Width) + x) * 3, 3));
            }
        }
        return new RgbImage(Width, Height, pixels);
    }

    public static byte[] File(DeskScene scene) => ImageCodec.EncodeJpeg(Draw(scene), 90);

    /// <summary>Draws each scene once.</summary>
    public static Func<DeskScene, T> Once<T>(Func<DeskScene, T> draw)
    {
        var drawn = new Dictionary<DeskScene, T>();
        return scene => drawn.TryGetValue(scene, out var known) ? known : drawn[scene] = draw(scene);
    }

    private static void Paint(DeskScene scene, (int X, int Y) at, int noise, Span<byte> pixel)
    {
        var (r, g, b) = Colour(scene, at);
        if (scene.IsNight) r = g = b = ((r + g + b) / 6) + 20;
        pixel[0] = Byte((r * scene.Light) + noise);
        pixel[1] = Byte((g * scene.Light) + noise);
        pixel[2] = Byte((b * scene.Light) + noise);
    }

    private static (double R, double G, double B) Colour(DeskScene scene, (int X, int Y) at)
    {
        if (scene.Hand is { } hand && Math.Abs(at.X - (hand * Width)) < 22 && at.Y > 15) return (200, 150, 120);
        var (column, row) = (at.X - SheetLeft, at.Y - SheetTop);
        if (scene.Sheet == 0 || column is < 0 or >= SheetSide || row is < 0 or >= SheetSide) return (120 + (at.X / 8), 90, 60 + (at.Y / 4));
        if (scene.IsCovered && column > SheetSide / 2) return (200, 150, 120);
        for (var i = 0; i < scene.Quarters; i++) (column, row) = (row, SheetSide - 1 - column);
        return IsInk(scene.Sheet, column / 4, row / 4) ? (30, 30, 30) : (240, 240, 240);
    }

    /// <summary>Letters, as dots.</summary>
    private static bool IsInk(int sheet, int column, int row)
    {
        if (column is < 1 or > 17 || row % 3 == 0) return false;
        var hash = unchecked(((uint)sheet * 2246822519) ^ ((uint)((row * 19) + column) * 3266489917));
        hash = unchecked((hash ^ (hash >> 15)) * 2654435761);
        return (hash >> 28) < 6;
    }

    private static byte Byte(double value) => (byte)Math.Clamp(value, 0, 255);
}

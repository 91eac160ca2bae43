using Vlm.Vision;

namespace Vlm.Edge.Tests.Cameras;

/// <summary>Small JPEGs for cameras of tests.</summary>
internal static class CameraPictures
{
    /// <summary>A picture of some size; each number gives other pixels.</summary>
    public static byte[] Jpeg(int number, int width = 64, int height = 48)
    {
        var pixels = new byte[width * height * 3];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)((((i / 3 % width / 8) + (i / 3 / width / 8) + number) % 7 * 30) + (i / 3 * 31 % 45));
        return ImageCodec.EncodeJpeg(new RgbImage(width, height, pixels), 90);
    }

    /// <summary>The same pixels with something written beside them, as cameras do with the time.</summary>
    public static byte[] WithComment(byte[] jpeg, string text) =>
        [.. jpeg[..2], 0xFF, 0xFE, 0, (byte)(text.Length + 2), .. System.Text.Encoding.ASCII.GetBytes(text), .. jpeg[2..]];

    /// <summary>All black, but for the noise of a sensor.</summary>
    public static byte[] Dark()
    {
        var pixels = new byte[64 * 48 * 3];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i * 7919 % 11);
        return ImageCodec.EncodeJpeg(new RgbImage(64, 48, pixels), 90);
    }
}

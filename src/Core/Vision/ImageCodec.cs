using System.Runtime.InteropServices;
using SkiaSharp;

namespace Vlm.Vision;

/// <summary>Picture files to pixels and back.</summary>
public static class ImageCodec
{
    // Above any camera in use; 64 million pixels take 192 MB once decoded, and the header is checked before a pixel is.
    private const long MaxPixels = 64_000_000;

    private const string Readable = "PNG, JPEG, WebP or BMP";

    /// <summary>Reads a PNG, JPEG, WebP or BMP: first frame, upright as its EXIF orientation says, on white where it is transparent, 8 bits per channel.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <exception cref="PictureException">Empty, not one of these, truncated or damaged, or more than 64 million pixels.</exception>
    /// <remarks>Colour profiles are ignored, as the reference's image processor ignores them.</remarks>
    public static RgbImage Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            throw new PictureException($"The picture is empty (0 bytes); a {Readable} file is needed.");
        using SKData data = SKData.CreateCopy(bytes);
        using SKCodec? codec = SKCodec.Create(data);
        if (codec is null)
            throw new PictureException($"The {bytes.Length} bytes are no picture that can be read; a complete {Readable} file is needed.");
        if (!IsReadable(codec.EncodedFormat))
            throw new PictureException($"The picture is a {codec.EncodedFormat} file; save it as {Readable}.");
        (int width, int height) = (codec.Info.Width, codec.Info.Height);
        if ((long)width * height > MaxPixels)
            throw new PictureException($"The picture has {width}x{height} pixels; at most {MaxPixels / 1_000_000} million are read. Make it smaller.");
        if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg && !JpegEnd.IsReached(bytes))
            throw CutOff(codec, SKCodecResult.IncompleteInput);
        var rgba = new byte[width * height * 4];
        // Without a colour space nothing is converted; unpremultiplied, so that a transparent pixel keeps its colour for the blending.
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        SKCodecResult result = Pixels(codec, info, rgba);
        if (result != SKCodecResult.Success)
            throw CutOff(codec, result);
        return Upright(OnWhite(rgba), width, height, codec.EncodedOrigin);
    }

    /// <summary>What a picture file says about itself, read from its header alone: no pixel is decoded and no memory for one is taken.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <returns>Null when it is not a picture of a known kind.</returns>
    public static PictureHeader? Peek(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return null;
        using SKData data = SKData.CreateCopy(bytes);
        using SKCodec? codec = SKCodec.Create(data);
        return codec is null ? null : new PictureHeader(codec.EncodedFormat.ToString(), codec.Info.Width, codec.Info.Height, IsReadable(codec.EncodedFormat));
    }

    /// <summary>Writes a PNG; decoding gives the same pixels.</summary>
    public static byte[] EncodePng(RgbImage image) => Encode(image, pixels => pixels.Encode(SKPngEncoderOptions.Default));

    /// <summary>Writes a JPEG with the usual halved colour resolution.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="quality">1 (small) to 100 (good).</param>
    public static byte[] EncodeJpeg(RgbImage image, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quality, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        return Encode(image, pixels => pixels.Encode(new SKJpegEncoderOptions(quality, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore)));
    }

    private static bool IsReadable(SKEncodedImageFormat format) =>
        format is SKEncodedImageFormat.Png or SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Webp or SKEncodedImageFormat.Bmp;

    private static PictureException CutOff(SKCodec codec, SKCodecResult result) =>
        new($"The {codec.EncodedFormat} picture is damaged or cut off ({result}). Was it copied completely?");

    private static SKCodecResult Pixels(SKCodec codec, SKImageInfo info, byte[] rgba)
    {
        GCHandle pinned = GCHandle.Alloc(rgba, GCHandleType.Pinned);
        try
        {
            return codec.GetPixels(info, pinned.AddrOfPinnedObject());
        }
        finally
        {
            pinned.Free();
        }
    }

    /// <summary>Blends over white with Pillow's rounding, as the reference does; [n, 4] becomes [n, 3].</summary>
    private static byte[] OnWhite(byte[] rgba)
    {
        var rgb = new byte[rgba.Length / 4 * 3];
        for (int from = 0, to = 0; from < rgba.Length; from += 4, to += 3)
        {
            int alpha = rgba[from + 3];
            for (int channel = 0; channel < 3; channel++)
                rgb[to + channel] = alpha == 255 ? rgba[from + channel] : Blend(rgba[from + channel], alpha);
        }
        return rgb;
    }

    private static byte Blend(int value, int alpha)
    {
        int sum = (value * alpha + 255 * (255 - alpha)) * 128 + (0x80 << 7);
        return (byte)((((sum >> 8) + sum) >> 8) >> 7);
    }

    /// <summary>Turns and mirrors so that the picture stands as it was taken.</summary>
    private static RgbImage Upright(byte[] pixels, int width, int height, SKEncodedOrigin origin)
    {
        if (origin == SKEncodedOrigin.TopLeft)
            return new RgbImage(width, height, pixels);
        bool swaps = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        (int newWidth, int newHeight) = swaps ? (height, width) : (width, height);
        var turned = new byte[pixels.Length];
        for (int row = 0; row < newHeight; row++)
        {
            for (int column = 0; column < newWidth; column++)
            {
                (int x, int y) = Source(origin, column, row, (width - 1, height - 1));
                pixels.AsSpan((y * width + x) * 3, 3).CopyTo(turned.AsSpan((row * newWidth + column) * 3, 3));
            }
        }
        return new RgbImage(newWidth, newHeight, turned);
    }

    /// <summary>Which stored pixel is shown at a place. The name says which corner of the scene the stored first row and column begin at.</summary>
    private static (int X, int Y) Source(SKEncodedOrigin origin, int column, int row, (int X, int Y) last) => origin switch
    {
        SKEncodedOrigin.TopRight => (last.X - column, row),
        SKEncodedOrigin.BottomRight => (last.X - column, last.Y - row),
        SKEncodedOrigin.BottomLeft => (column, last.Y - row),
        SKEncodedOrigin.LeftTop => (row, column),
        SKEncodedOrigin.RightTop => (row, last.Y - column),
        SKEncodedOrigin.RightBottom => (last.X - row, last.Y - column),
        SKEncodedOrigin.LeftBottom => (last.X - row, column),
        _ => (column, row),
    };

    private static byte[] Encode(RgbImage image, Func<SKPixmap, SKData?> encode)
    {
        ArgumentNullException.ThrowIfNull(image);
        var rgba = new byte[checked(image.Width * image.Height * 4)];
        for (int from = 0, to = 0; from < image.Pixels.Length; from += 3, to += 4)
        {
            image.Pixels.AsSpan(from, 3).CopyTo(rgba.AsSpan(to, 3));
            rgba[to + 3] = 255;
        }
        GCHandle pinned = GCHandle.Alloc(rgba, GCHandleType.Pinned);
        try
        {
            using var pixels = new SKPixmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), pinned.AddrOfPinnedObject());
            using SKData data = encode(pixels) ?? throw new InvalidOperationException($"A picture of {image.Width}x{image.Height} could not be encoded.");
            return data.ToArray();
        }
        finally
        {
            pinned.Free();
        }
    }
}

using System.Runtime.InteropServices;
using SkiaSharp;
using Vlm.Files;

namespace Vlm.Vision;

/// <summary>A picture that was read.</summary>
/// <param name="Image">Upright, on white.</param>
/// <param name="Warning">What is wrong with the file though the picture is whole; null when nothing is.</param>
public sealed record DecodedPicture(RgbImage Image, string? Warning);

/// <summary>Picture files to pixels and back.</summary>
public static unsafe class ImageCodec
{
    /// <summary>Pixels that are enough to answer a question: twice Full HD.</summary>
    public const int EnoughPixels = 4_000_000;

    // Above any camera in use; 64 million pixels take 256 MB while they are decoded, and the header is checked before a pixel is.
    private const long MaxPixels = 64_000_000;

    private const string Readable = "PNG, JPEG, WebP or BMP";

    private const string EndIsMissing = "The JPEG lacks its end mark. The picture is all there; was the file copied completely?";

    // Bytes after a JPEG's data that mean different things to a decoder that still expects some.
    private const int FillBytes = 512;
    private static readonly byte[] Fillers = [0x55, 0xAA];

    /// <summary>The bytes of a picture file.</summary>
    /// <exception cref="PictureException">A folder has this name.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public static byte[] Load(string path) => Directory.Exists(path)
        ? throw new PictureException($"'{path}' is a folder; give a picture in it.")
        : File.ReadAllBytes(path);

    /// <summary>Reads a picture in all its pixels: see <see cref="Read"/>.</summary>
    public static RgbImage Decode(ReadOnlySpan<byte> bytes) => Read(bytes, int.MaxValue).Image;

    /// <summary>
    /// Reads a PNG, JPEG, WebP or BMP: first frame, upright as its EXIF orientation says, on white where it is transparent, 8 bits per channel,
    /// at reduced scale where it has more pixels than are enough. Waits while other pictures take the process's memory for decoding.
    /// </summary>
    /// <param name="bytes">The whole file. A JPEG that only lacks its end mark is read too.</param>
    /// <param name="enough">Pixels that the caller needs, at least 1: a larger picture is reduced by the decoder, or averaged over squares, to at most so
    /// many.</param>
    /// <exception cref="PictureException">Empty, not one of these, truncated or damaged, or more than 64 million pixels.</exception>
    /// <remarks>Colour profiles are ignored, as the reference's image processor ignores them.</remarks>
    public static DecodedPicture Read(ReadOnlySpan<byte> bytes, int enough = EnoughPixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(enough, 1);
        if (bytes.IsEmpty)
            throw new PictureException($"The picture is empty (0 bytes); a {Readable} file is needed.");
        if (LfsPointer.IsStartOf(bytes))
            throw new PictureException($"The picture {LfsPointer.Problem}.");
        fixed (byte* start = bytes)
        {
            using SKData data = SKData.Create((nint)start, bytes.Length);
            using SKCodec codec = Open(data);
            if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg && JpegEnd.Find(bytes) is { IsReached: false } end)
                return WithoutEnd(bytes, end, enough);
            SKEncodedOrigin origin = codec.EncodedFormat == SKEncodedImageFormat.Png ? (SKEncodedOrigin)ExifOrientation.OfPng(bytes) : codec.EncodedOrigin;
            return new DecodedPicture(Upright(Pixels(codec, enough), origin), null);
        }
    }

    /// <summary>What a picture file says about itself, read from its header alone: no pixel is decoded and no memory for one is taken.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <returns>Null when it is not a picture of a known kind.</returns>
    public static PictureHeader? Peek(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return null;
        fixed (byte* start = bytes)
        {
            using SKData data = SKData.Create((nint)start, bytes.Length);
            using SKCodec? codec = SKCodec.Create(data);
            return codec is null
                ? null : new PictureHeader(codec.EncodedFormat.ToString(), codec.Info.Width, codec.Info.Height, IsReadable(codec.EncodedFormat));
        }
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
        return Encode(image, pixels =>
            pixels.Encode(new SKJpegEncoderOptions(quality, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore)));
    }

    private static bool IsReadable(SKEncodedImageFormat format) =>
        format is SKEncodedImageFormat.Png or SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Webp or SKEncodedImageFormat.Bmp;

    private static PictureException CutOff(SKEncodedImageFormat format, SKCodecResult result) =>
        new($"The {format} picture is damaged or cut off ({result}). Was it copied completely?");

    private static SKCodec Open(SKData data)
    {
        SKCodec codec = SKCodec.Create(data)
            ?? throw new PictureException($"The {data.Size} bytes are no picture that can be read; a complete {Readable} file is needed.");
        (SKEncodedImageFormat format, int width, int height) = (codec.EncodedFormat, codec.Info.Width, codec.Info.Height);
        if (IsReadable(format) && (long)width * height <= MaxPixels)
            return codec;
        codec.Dispose();
        throw new PictureException(IsReadable(format)
            ? $"The picture has {width}x{height} pixels; at most {MaxPixels / 1_000_000} million are read. Make it smaller."
            : $"The picture is a {format} file; save it as {Readable}.");
    }

    /// <summary>
    /// A JPEG without its end mark is whole when it makes no difference what follows: a decoder that still expects data would take that for them.
    /// </summary>
    private static DecodedPicture WithoutEnd(ReadOnlySpan<byte> bytes, JpegEnd end, int enough)
    {
        if (!end.HasAllScans)
            throw CutOff(SKEncodedImageFormat.Jpeg, SKCodecResult.IncompleteInput);
        RgbImage image = WithEnd(bytes, 0, 0, enough);
        foreach (byte value in Fillers)
        {
            if (!WithEnd(bytes, FillBytes, value, enough).Pixels.AsSpan().SequenceEqual(image.Pixels))
                throw CutOff(SKEncodedImageFormat.Jpeg, SKCodecResult.IncompleteInput);
        }
        return new DecodedPicture(image, EndIsMissing);
    }

    private static RgbImage WithEnd(ReadOnlySpan<byte> bytes, int fill, byte value, int enough)
    {
        byte[] whole = JpegEnd.Complete(bytes, fill, value);
        fixed (byte* start = whole)
        {
            using SKData data = SKData.Create((nint)start, whole.Length);
            using SKCodec codec = Open(data);
            return Upright(Pixels(codec, enough), codec.EncodedOrigin);
        }
    }

    private static RgbImage Pixels(SKCodec codec, int enough)
    {
        SKSizeI size = Scaled(codec, enough);
        nuint bytes = (nuint)size.Width * (nuint)size.Height * 4;
        using DecodeBudget.Share share = DecodeBudget.Take((long)bytes);
        // Not from the collector, which would keep it.
        var rgba = (byte*)NativeMemory.Alloc(bytes);
        try
        {
            // Without a colour space nothing is converted; unpremultiplied, so that a transparent pixel keeps its colour for the blending.
            SKCodecResult result = codec.GetPixels(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul), (nint)rgba);
            if (result != SKCodecResult.Success)
                throw CutOff(codec.EncodedFormat, result);
            int side = Side(size, enough);
            return side == 1 ? OnWhite(rgba, size) : Averaged(rgba, size, side);
        }
        finally
        {
            NativeMemory.Free(rgba);
        }
    }

    /// <summary>The size to decode at: the most eighths that are not more than enough; the whole size where the codec cannot scale (PNG and BMP).</summary>
    private static SKSizeI Scaled(SKCodec codec, int enough)
    {
        const int Parts = 8;
        SKSizeI size = codec.Info.Size;
        for (int eighths = Parts; eighths >= 1 && (long)size.Width * size.Height > enough; eighths--)
            size = codec.GetScaledDimensions((float)eighths / Parts);
        return size;
    }

    /// <summary>Side of the squares whose average becomes one pixel.</summary>
    private static int Side(SKSizeI size, int enough)
    {
        int side = 1;
        while ((long)Reduced(size.Width, side) * Reduced(size.Height, side) > enough && side < Math.Max(size.Width, size.Height))
            side++;
        return side;
    }

    private static int Reduced(int length, int side) => (length + side - 1) / side;

    /// <summary>Blends over white with Pillow's rounding, as the reference does; [height, width, 4] becomes [height, width, 3].</summary>
    private static RgbImage OnWhite(byte* rgba, SKSizeI size)
    {
        var rgb = new byte[size.Width * size.Height * 3];
        for (int to = 0; to < rgb.Length; to += 3, rgba += 4)
        {
            int alpha = rgba[3];
            for (int channel = 0; channel < 3; channel++)
                rgb[to + channel] = alpha == 255 ? rgba[channel] : Blend(rgba[channel], alpha);
        }
        return new RgbImage(size.Width, size.Height, rgb);
    }

    /// <summary>The same, and squares become their average: [height, width, 4] becomes [height / side, width / side, 3], rounded up.</summary>
    private static RgbImage Averaged(byte* rgba, SKSizeI size, int side)
    {
        (int width, int height) = (Reduced(size.Width, side), Reduced(size.Height, side));
        var rgb = new byte[width * height * 3];
        var sums = new long[width * 3];
        for (int row = 0; row < height; row++)
        {
            Array.Clear(sums);
            int rows = Math.Min(side, size.Height - (row * side));
            for (int inner = 0; inner < rows; inner++)
                AddRow(new ReadOnlySpan<byte>(rgba + ((((long)row * side) + inner) * size.Width * 4), size.Width * 4), side, sums);
            for (int sum = 0; sum < sums.Length; sum++)
            {
                int count = rows * Math.Min(side, size.Width - (sum / 3 * side));
                rgb[(row * sums.Length) + sum] = (byte)((sums[sum] + (count / 2)) / count);
            }
        }
        return new RgbImage(width, height, rgb);
    }

    private static void AddRow(ReadOnlySpan<byte> rgba, int side, long[] sums)
    {
        for (int from = 0, to = 0, inSquare = 0; from < rgba.Length; from += 4)
        {
            int alpha = rgba[from + 3];
            for (int channel = 0; channel < 3; channel++)
                sums[to + channel] += alpha == 255 ? rgba[from + channel] : Blend(rgba[from + channel], alpha);
            if (++inSquare < side)
                continue;
            (inSquare, to) = (0, to + 3);
        }
    }

    private static byte Blend(int value, int alpha)
    {
        int sum = (value * alpha + 255 * (255 - alpha)) * 128 + (0x80 << 7);
        return (byte)((((sum >> 8) + sum) >> 8) >> 7);
    }

    /// <summary>Turns and mirrors so that the picture stands as it was taken.</summary>
    private static RgbImage Upright(RgbImage image, SKEncodedOrigin origin)
    {
        if (origin == SKEncodedOrigin.TopLeft)
            return image;
        (byte[] pixels, int width, int height) = (image.Pixels, image.Width, image.Height);
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

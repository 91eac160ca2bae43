using System.Buffers.Binary;
using System.Text;
using Vlm.Model;
using Vlm.Vision;

namespace Vlm.Core.Tests.Vision;

public sealed class ImageCodecTests
{
    [Theory]
    [InlineData("rgb.gray", "gray")]
    [InlineData("rgb.rgba", "rgba")]
    public void Grey_and_transparent_pictures_decode_to_the_references_bytes(string tensor, string picture) =>
        Assert.Equal(Golden.Tensors.ReadBytes(tensor), Golden.Picture(picture).Pixels);

    [Fact]
    public void A_header_is_read_without_its_pixels()
    {
        byte[] picture = ImageCodec.EncodePng(new RgbImage(30, 20, new byte[1800]));
        Assert.Equal(new PictureHeader("Png", 30, 20, IsReadable: true), ImageCodec.Peek(picture));
        // The pixels are cut off; the header still says what they would be.
        Assert.Equal(20, ImageCodec.Peek(picture.AsSpan(0, 60))?.Height);
        Assert.Null(ImageCodec.Peek([]));
        Assert.Null(ImageCodec.Peek("not a picture"u8));
        Assert.False(ImageCodec.Peek(Convert.FromBase64String("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"))!.IsReadable);
    }

    [Theory]
    [InlineData("rgb.png")]
    [InlineData("grey.png")]
    [InlineData("one-bit.png")]
    [InlineData("grey-alpha.png")]
    [InlineData("rgba.png")]
    [InlineData("palette.png")]
    [InlineData("palette-alpha.png")]
    [InlineData("rgb-16-bit.png")]
    [InlineData("grey-16-bit.png")]
    [InlineData("lossless.webp")]
    [InlineData("alpha.webp")]
    [InlineData("rgb.bmp")]
    [InlineData("palette.bmp")]
    [InlineData("444.jpg", 2)]
    [InlineData("progressive.jpg", 2)]
    [InlineData("grey.jpg", 2)]
    [InlineData("cmyk.jpg", 3)]
    [InlineData("two-pictures.mpo", 2)]
    [InlineData("orientation-1.jpg", 2)]
    [InlineData("orientation-2.jpg", 2)]
    [InlineData("orientation-3.jpg", 2)]
    [InlineData("orientation-4.jpg", 2)]
    [InlineData("orientation-5.jpg", 2)]
    [InlineData("orientation-6.jpg", 2)]
    [InlineData("orientation-7.jpg", 2)]
    [InlineData("orientation-8.jpg", 2)]
    public void A_picture_decodes_as_pillow_decodes_it(string name, int levels = 0)
    {
        using SafeTensors expected = SafeTensors.Open(Golden.Path("pictures/expected.safetensors"));

        RgbImage picture = ImageCodec.Decode(File.ReadAllBytes(Golden.Path($"pictures/{name}")));

        Assert.Equal(expected.Info(name).Shape, new long[] { picture.Height, picture.Width, 3 });
        int worst = expected.ReadBytes(name).Zip(picture.Pixels, (one, other) => Math.Abs(one - other)).Max();
        Assert.True(worst <= levels, $"largest difference {worst}");
    }

    [Fact]
    public void A_png_comes_back_as_it_was()
    {
        RgbImage picture = Golden.Picture("d");

        RgbImage back = ImageCodec.Decode(ImageCodec.EncodePng(picture));

        Assert.Equal((picture.Width, picture.Height), (back.Width, back.Height));
        Assert.Equal(picture.Pixels, back.Pixels);
    }

    [Fact]
    public void A_better_jpeg_is_larger_and_closer()
    {
        RgbImage picture = Golden.Picture("d");
        byte[] good = ImageCodec.EncodeJpeg(picture, 95);
        byte[] poor = ImageCodec.EncodeJpeg(picture, 20);

        Assert.True(good.Length > poor.Length);
        Assert.True(Difference(good) < Difference(poor));

        double Difference(byte[] jpeg) => picture.Pixels.Zip(ImageCodec.Decode(jpeg).Pixels, (one, other) => Math.Abs(one - other)).Average();
    }

    [Fact]
    public void An_empty_file_is_refused() => Assert.Contains("empty (0 bytes)", Refused([]), StringComparison.Ordinal);

    [Theory]
    [InlineData("hello, this is text")]
    [InlineData("\u0089PNG\r\n\u001a\n")]
    [InlineData("\u00ff\u00d8\u00ff")]
    [InlineData("BM")]
    [InlineData("RIFF\u0004\u0000\u0000\u0000WEBP")]
    public void What_is_not_a_picture_is_refused(string text) =>
        Assert.Contains("no picture that can be read; a complete PNG, JPEG, WebP or BMP file is needed", Refused(Encoding.Latin1.GetBytes(text)), StringComparison.Ordinal);

    [Theory]
    [InlineData("not-supported.gif")]
    [InlineData("not-supported.tiff")]
    public void Another_format_is_refused_with_those_that_are_read(string name) =>
        Assert.Contains("PNG, JPEG, WebP or BMP", Refused(File.ReadAllBytes(Golden.Path($"pictures/{name}"))), StringComparison.Ordinal);

    [Theory]
    [InlineData("rgb.png")]
    [InlineData("palette-alpha.png")]
    [InlineData("444.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("lossless.webp")]
    [InlineData("rgb.bmp")]
    public void A_cut_off_picture_is_refused_wherever_it_was_cut(string name)
    {
        byte[] whole = File.ReadAllBytes(Golden.Path($"pictures/{name}"));

        byte[] pixels = ImageCodec.Decode(whole).Pixels;

        // The last bytes hold checksums, end marks and padding: without them the pixels are still there, and must be the same.
        for (int length = 0; length < whole.Length - 24; length++)
            Refused(whole[..length]);
        for (int length = whole.Length - 24; length < whole.Length; length++)
            Assert.True(DecodesTo(pixels, whole[..length]));
    }

    [Fact]
    public void A_large_cut_off_picture_is_refused()
    {
        RgbImage picture = Golden.Picture("big");

        Assert.Contains("Was it copied completely?", Refused(ImageCodec.EncodePng(picture)[..^2000]), StringComparison.Ordinal);
        Assert.Contains("Was it copied completely?", Refused(ImageCodec.EncodeJpeg(picture, 90)[..^2000]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_png_is_refused()
    {
        byte[] bytes = ImageCodec.EncodePng(Golden.Picture("d"));
        bytes[bytes.Length / 2] ^= 0x55;

        Assert.Contains("damaged", Refused(bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_of_20000_by_20000_is_refused_before_memory_is_taken()
    {
        byte[] png = File.ReadAllBytes(Golden.Path("pictures/rgb.png"));
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(16), 20_000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(20), 20_000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        byte[] bmp = File.ReadAllBytes(Golden.Path("pictures/rgb.bmp"));
        BinaryPrimitives.WriteUInt32LittleEndian(bmp.AsSpan(18), 20_000);
        BinaryPrimitives.WriteUInt32LittleEndian(bmp.AsSpan(22), 20_000);
        byte[] jpeg = File.ReadAllBytes(Golden.Path("pictures/444.jpg"));
        int frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 5), 20_000);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 7), 20_000);

        foreach (byte[] bytes in (byte[][])[png, bmp, jpeg])
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Contains("20000x20000 pixels; at most 64 million are read", Refused(bytes), StringComparison.Ordinal);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        }
    }

    [Fact]
    public void A_quality_outside_1_to_100_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageCodec.EncodeJpeg(Golden.Picture("a"), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageCodec.EncodeJpeg(Golden.Picture("a"), 101));
    }

    /// <summary>Whether these are the pixels; also true when the picture is refused.</summary>
    private static bool DecodesTo(byte[] pixels, byte[] file)
    {
        try
        {
            return ImageCodec.Decode(file).Pixels.AsSpan().SequenceEqual(pixels);
        }
        catch (PictureException)
        {
            return true;
        }
    }

    private static string Refused(byte[] bytes) => Assert.Throws<PictureException>(() => ImageCodec.Decode(bytes)).Message;

    /// <summary>PNG's checksum.</summary>
    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }
        return ~crc;
    }
}

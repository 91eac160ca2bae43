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
        Assert.Contains("no picture that can be read; a complete PNG, JPEG, WebP or BMP file is needed", Refused(Encoding.Latin1.GetBytes(text)),
            StringComparison.Ordinal);

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

    [Theory]
    [InlineData("444.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("grey.jpg")]
    [InlineData("cmyk.jpg")]
    [InlineData("orientation-6.jpg")]
    public void A_jpeg_that_only_lacks_its_end_mark_is_read_with_a_warning(string name)
    {
        byte[] whole = File.ReadAllBytes(Golden.Path($"pictures/{name}"));
        DecodedPicture expected = ImageCodec.Read(whole);
        Assert.Null(expected.Warning);

        foreach (int missing in (int[])[1, 2])
        {
            DecodedPicture picture = ImageCodec.Read(whole.AsSpan(0, whole.Length - missing));
            Assert.Contains("lacks its end mark", picture.Warning, StringComparison.Ordinal);
            Assert.Equal(expected.Image.Pixels, picture.Image.Pixels);
        }
        Assert.Contains("damaged or cut off", Refused(whole[..^16]), StringComparison.Ordinal);
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

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Orientation_is_followed_in_png_and_webp_as_in_jpeg(byte orientation)
    {
        RgbImage picture = ImageCodec.Decode(File.ReadAllBytes(Golden.Path("pictures/rgb.png")));
        byte[] jpeg = ImageCodec.EncodeJpeg(new RgbImage(picture.Width, picture.Height, Grey(picture)), 100);
        RgbImage expected = ImageCodec.Decode([.. jpeg[..2], 0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. Exif(orientation), .. jpeg[2..]]);

        foreach (RgbImage found in (RgbImage[])[ImageCodec.Decode(PngWith(Exif(orientation))), ImageCodec.Decode(WebpWith(Exif(orientation)))])
        {
            Assert.Equal((expected.Width, expected.Height), (found.Width, found.Height));
            Assert.InRange(expected.Pixels.Zip(Grey(found), (one, other) => Math.Abs(one - other)).Max(), 0, 3);
        }
    }

    [Fact]
    public void An_exif_chunk_that_makes_no_sense_leaves_a_png_as_it_is()
    {
        byte[] expected = ImageCodec.Decode(File.ReadAllBytes(Golden.Path("pictures/rgb.png"))).Pixels;
        byte[] sound = Exif(6);
        for (int length = 0; length < 20; length++)
            Assert.Equal(expected, ImageCodec.Decode(PngWith(sound[..length])).Pixels);
        foreach ((int at, byte value) in ((int, byte)[])[(0, (byte)'X'), (2, 9), (7, 200), (4, 255), (9, 0), (11, 0x13), (13, 4), (19, 0), (19, 9), (18, 1)])
        {
            byte[] damaged = [.. sound];
            damaged[at] = value;
            Assert.Equal(expected, ImageCodec.Decode(PngWith(damaged)).Pixels);
        }
    }

    [Fact]
    public void A_decoder_on_its_side_in_a_png_stands_upright()
    {
        RgbImage picture = ImageCodec.Decode(File.ReadAllBytes(Golden.Path("field/png-exif/10.png")));
        RgbImage lying = ImageCodec.Decode(WithoutChunk(File.ReadAllBytes(Golden.Path("field/png-exif/10.png")), "eXIf"));

        // Orientation 6: what is stored at the bottom left is shown at the top left.
        for (int at = 0; at < 400; at++)
            Assert.Equal(lying.Pixels.AsSpan(((399 - at) * 400 + 37) * 3, 3), picture.Pixels.AsSpan(((37 * 400) + at) * 3, 3));
    }

    [Theory]
    [InlineData("png")]
    [InlineData("jpeg")]
    [InlineData("webp")]
    [InlineData("bmp")]
    public void A_picture_with_more_pixels_than_are_enough_is_reduced_and_shows_the_same(string format)
    {
        byte[] file = format switch
        {
            "png" => ImageCodec.EncodePng(Golden.Picture("big")),
            "jpeg" => ImageCodec.EncodeJpeg(Golden.Picture("big"), 95),
            "webp" => File.ReadAllBytes(Golden.Path("pictures/lossless.webp")),
            _ => File.ReadAllBytes(Golden.Path("pictures/rgb.bmp")),
        };
        RgbImage whole = ImageCodec.Decode(file);
        Assert.Equal(whole.Pixels, ImageCodec.Read(file, whole.Width * whole.Height).Image.Pixels);

        int enough = whole.Width * whole.Height / 5;
        RgbImage reduced = ImageCodec.Read(file, enough).Image;

        Assert.InRange(reduced.Width * reduced.Height, enough / 3, enough);
        Assert.Equal((double)whole.Width / whole.Height, (double)reduced.Width / reduced.Height, 0.15);
        byte[] expected = Resize.Bicubic(whole, reduced.Width, reduced.Height).Pixels;
        Assert.InRange(expected.Zip(reduced.Pixels, (one, other) => Math.Abs(one - other)).Average(), 0, 6);
    }

    [Fact]
    public void An_average_is_that_of_its_square_also_at_the_edge()
    {
        // Columns of 0, 30, 60, 90, 120: squares of two give 15, 75 and, alone, 120.
        byte[] row = [.. Enumerable.Range(0, 5).SelectMany(column => Enumerable.Repeat((byte)(column * 30), 3))];
        RgbImage reduced = ImageCodec.Read(ImageCodec.EncodePng(new RgbImage(5, 3, [.. row, .. row, .. row])), 6).Image;
        Assert.Equal((3, 2), (reduced.Width, reduced.Height));
        Assert.Equal([15, 15, 15, 75, 75, 75, 120, 120, 120, 15, 15, 15, 75, 75, 75, 120, 120, 120], reduced.Pixels);
    }

    [Fact]
    public async Task Decoding_waits_while_the_processs_memory_for_it_is_taken()
    {
        byte[] file = ImageCodec.EncodePng(Golden.Picture("d"));
        Task<RgbImage> waiting;
        using (DecodeBudget.Take(DecodeBudget.Bytes))
        {
            waiting = Task.Run(() => ImageCodec.Decode(file));
            await Task.Delay(50, TestContext.Current.CancellationToken);
            Assert.False(waiting.IsCompleted);
        }
        Assert.Equal(Golden.Picture("d").Pixels, (await waiting).Pixels);
    }

    [Fact]
    public void Never_is_more_taken_than_there_is_and_all_get_their_turn()
    {
        long taken = 0, most = 0;
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 16 }, index =>
        {
            long bytes = (index % 5) switch { 0 => DecodeBudget.Bytes * 2, 1 => DecodeBudget.Bytes / 2, _ => DecodeBudget.Bytes / 7 };
            using (DecodeBudget.Take(bytes))
            {
                long now = Interlocked.Add(ref taken, bytes);
                Assert.True(now <= DecodeBudget.Bytes || now == bytes, $"{now} are taken");
                InterlockedMax(ref most, now);
                Thread.SpinWait(20_000);
                Interlocked.Add(ref taken, -bytes);
            }
        });
        Assert.Equal((0, DecodeBudget.Bytes * 2), (taken, most));
    }

    [Theory]
    [InlineData("rgb.png")]
    [InlineData("palette-alpha.png")]
    [InlineData("rgb-16-bit.png")]
    [InlineData("444.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("orientation-6.jpg")]
    [InlineData("two-pictures.mpo")]
    [InlineData("alpha.webp")]
    [InlineData("lossless.webp")]
    [InlineData("rgb.bmp")]
    [InlineData("palette.bmp")]
    public void Whatever_happens_to_a_file_it_is_a_picture_or_refused(string name)
    {
        byte[] good = File.ReadAllBytes(Golden.Path($"pictures/{name}"));
        foreach (byte[] bytes in Mutations.Of(good, 400, seed: 5))
        {
            ImageCodec.Peek(bytes);
            try
            {
                RgbImage picture = ImageCodec.Read(bytes, 100_000).Image;
                Assert.InRange(picture.Width * picture.Height, 1, 100_000);
            }
            catch (PictureException error)
            {
                Assert.NotEqual("", error.Message);
            }
        }
    }

    [Fact]
    public void A_pointer_of_git_LFS_and_a_folder_are_called_that()
    {
        Assert.Contains("is a git-LFS pointer", Refused([.. "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"u8]), StringComparison.Ordinal);
        using var folder = new TempFolder();
        Assert.Contains($"'{folder.Path}' is a folder", Assert.Throws<PictureException>(() => ImageCodec.Load(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Equal([7], ImageCodec.Load(folder.Write("a.png", [7])));
        Assert.Throws<FileNotFoundException>(() => ImageCodec.Load(folder.File("b.png")));
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

    private static byte[] Grey(RgbImage picture) => [.. picture.Pixels.Chunk(3)
        .SelectMany(pixel => Enumerable.Repeat((byte)Math.Round((pixel[0] * 0.299) + (pixel[1] * 0.587) + (pixel[2] * 0.114)), 3))];

    /// <summary>EXIF data that say an orientation and nothing else; big endian.</summary>
    private static byte[] Exif(byte orientation) => [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];

    private static byte[] PngWith(byte[] exif)
    {
        const int AfterHeader = 33;
        byte[] png = File.ReadAllBytes(Golden.Path("pictures/rgb.png"));
        var chunk = new byte[exif.Length + 12];
        BinaryPrimitives.WriteInt32BigEndian(chunk, exif.Length);
        "eXIf"u8.CopyTo(chunk.AsSpan(4));
        exif.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(^4), Crc32(chunk.AsSpan(4, exif.Length + 4)));
        return [.. png[..AfterHeader], .. chunk, .. png[AfterHeader..]];
    }

    private static byte[] WithoutChunk(byte[] png, string name)
    {
        int at = png.AsSpan().IndexOf(Encoding.ASCII.GetBytes(name)) - 4;
        return [.. png[..at], .. png[(at + 12 + BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at)))..]];
    }

    /// <summary>The same picture as a WebP of the extended format, which may hold EXIF data.</summary>
    private static byte[] WebpWith(byte[] exif)
    {
        const int Signature = 12, HasExif = 8;
        RgbImage picture = ImageCodec.Decode(File.ReadAllBytes(Golden.Path("pictures/rgb.png")));
        byte[] image = File.ReadAllBytes(Golden.Path("pictures/lossless.webp"))[Signature..];
        byte[] header = [.. "VP8X"u8, 10, 0, 0, 0, HasExif, 0, 0, 0, (byte)(picture.Width - 1), 0, 0, (byte)(picture.Height - 1), 0, 0];
        byte[] body = [.. "WEBP"u8, .. header, .. image, .. "EXIF"u8, (byte)exif.Length, 0, 0, 0, .. exif];
        return [.. "RIFF"u8, .. BitConverter.GetBytes(body.Length), .. body];
    }

    private static void InterlockedMax(ref long most, long value)
    {
        long seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen)
        {
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

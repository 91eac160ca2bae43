using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Vlm.Vision;

namespace Vlm.Core.Tests.Vision;

public sealed class ResizeTests
{
    private static readonly PictureConfig Config = Golden.PictureConfig;

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("c")]
    [InlineData("d")]
    [InlineData("e")]
    [InlineData("f")]
    [InlineData("gray")]
    [InlineData("big")]
    [InlineData("tiny")]
    [InlineData("rgba")]
    public void A_resized_picture_has_the_references_bytes(string name)
    {
        RgbImage picture = Golden.Picture(name);
        (int height, int width) = Resize.Smart(picture.Height, picture.Width, Config);

        RgbImage resized = Resize.Bicubic(picture, width, height);

        Assert.Equal(Golden.Tensors.Info($"resized.{name}").Shape, new long[] { resized.Height, resized.Width, 3 });
        Assert.Equal(Golden.Tensors.ReadBytes($"resized.{name}"), resized.Pixels);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("c")]
    [InlineData("d")]
    [InlineData("e")]
    [InlineData("f")]
    [InlineData("gray")]
    public void A_picture_squeezed_into_a_square_has_the_references_bytes(string name) =>
        Assert.Equal(Golden.Tensors.ReadBytes($"resized224.{name}"), Resize.Bicubic(Golden.Picture(name), 224, 224).Pixels);

    [Fact]
    public void Smart_sizes_are_the_references_in_all_rows()
    {
        JsonElement rows = Golden.Json("qwen25vl/smart_resize.json").GetProperty("rows");
        Assert.Equal(1220, rows.GetArrayLength());
        foreach (JsonElement row in rows.EnumerateArray())
        {
            int[] number = [.. row.EnumerateArray().Select(value => value.GetInt32())];
            PictureConfig config = Config with { MinPixels = number[2], MaxPixels = number[3] };
            if (number[4] < 0)
                Assert.Throws<PictureException>(() => Resize.Smart(number[0], number[1], config));
            else
                Assert.Equal((number[4], number[5]), Resize.Smart(number[0], number[1], config));
        }
    }

    [Fact]
    public void Smart_sizes_are_multiples_of_the_block_within_the_budget()
    {
        Gen<(int, int)> sizes = from height in Gen.Choose(1, 6000) from width in Gen.Choose(1, 6000) select (height, width);
        Prop.ForAll(Arb.From(sizes.Where(size => Math.Max(size.Item1, size.Item2) <= 40 * Math.Min(size.Item1, size.Item2))), size =>
        {
            (int height, int width) = Resize.Smart(size.Item1, size.Item2, Config);
            Assert.True(height > 0 && width > 0 && height % 28 == 0 && width % 28 == 0, $"{size} became {height}x{width}");
            Assert.InRange(height * width, Config.MinPixels, Config.MaxPixels);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_picture_of_one_colour_keeps_it_at_every_size()
    {
        Gen<(int, int, int, int, int)> cases =
            from width in Gen.Choose(1, 60)
            from height in Gen.Choose(1, 60)
            from newWidth in Gen.Choose(1, 90)
            from newHeight in Gen.Choose(1, 90)
            from level in Gen.Choose(0, 255)
            select (width, height, newWidth, newHeight, level);
        Prop.ForAll(Arb.From(cases), each =>
        {
            (int width, int height, int newWidth, int newHeight, int level) = each;
            var pixels = new byte[width * height * 3];
            Array.Fill(pixels, (byte)level);
            RgbImage resized = Resize.Bicubic(new RgbImage(width, height, pixels), newWidth, newHeight);
            Assert.Equal((newWidth, newHeight), (resized.Width, resized.Height));
            Assert.All(resized.Pixels, value => Assert.Equal(level, value));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_picture_of_the_wanted_size_is_not_touched()
    {
        RgbImage picture = Golden.Picture("a");

        Assert.Same(picture, Resize.Bicubic(picture, picture.Width, picture.Height));
    }

    [Fact]
    public void A_strip_is_refused_with_its_size()
    {
        PictureException error = Assert.Throws<PictureException>(() => Resize.Smart(10, 2001, Config));

        Assert.Contains("2001x10", error.Message, StringComparison.Ordinal);
        Assert.Equal((28, 812), Resize.Smart(10, 2000, Config));
    }
}

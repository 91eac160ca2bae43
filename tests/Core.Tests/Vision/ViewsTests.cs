using Vlm.Vision;

namespace Vlm.Core.Tests.Vision;

public sealed class ViewsTests
{
    private static readonly RgbImage Picture = new(120, 72, [.. Enumerable.Range(0, 120 * 72 * 3).Select(i => (byte)(i * 31))]);

    [Fact]
    public void Near_the_letters_the_view_is_the_part_of_the_picture_around_them()
    {
        var view = Views.Of(Picture, 1, new PictureArea(0.36, 0.45, 0.61, 0.7));
        Assert.Equal((86 - 31, 58 - 25), (view.Width, view.Height));
        Assert.True(Pixel(view, 0, 0).SequenceEqual(Pixel(Picture, 31, 25)));
        Assert.True(Pixel(view, 54, 32).SequenceEqual(Pixel(Picture, 85, 57)));
    }

    [Theory]
    [InlineData(1, 120 + 2 + 3, 72 + 1 + 2, 2, 1), InlineData(2, 120 + 3 + 2, 72 + 2 + 1, 3, 2)]
    public void Where_the_letters_are_unknown_the_picture_is_whole_and_its_edge_is_continued(int number, int width, int height, int left, int top)
    {
        var view = Views.Of(Picture, number, null);
        Assert.Equal((width, height), (view.Width, view.Height));
        for (var y = 0; y < view.Height; y++)
        {
            for (var x = 0; x < view.Width; x++)
                Assert.True(Pixel(view, x, y).SequenceEqual(Pixel(Picture, Math.Clamp(x - left, 0, 119), Math.Clamp(y - top, 0, 71))), $"({x}, {y})");
        }
    }

    [Fact]
    public void Letters_that_fill_the_picture_are_not_looked_at_twice_alike() =>
        Assert.NotEqual((Picture.Width, Picture.Height),
            (Views.Of(Picture, 1, new PictureArea(0.05, 0.05, 0.95, 0.95)).Width, Views.Of(Picture, 1, new PictureArea(0.05, 0.05, 0.95, 0.95)).Height));

    [Fact]
    public void The_third_view_is_turned_clockwise_the_fourth_back_and_both_keep_the_middle()
    {
        // White, but for a black spot right of the middle.
        var pixels = Enumerable.Repeat((byte)255, 101 * 101 * 3).ToArray();
        foreach (var (x, y) in from x in Enumerable.Range(84, 3) from y in Enumerable.Range(49, 3) select (x, y)) pixels.AsSpan(((y * 101) + x) * 3, 3).Clear();
        var picture = new RgbImage(101, 101, pixels);
        Assert.InRange(Darkest(Views.Of(picture, 3, null)).Y, 51, 53);
        Assert.InRange(Darkest(Views.Of(picture, 4, null)).Y, 47, 49);
        Assert.InRange(Darkest(Views.Of(picture, 3, null)).X, 82, 85);
        Assert.Equal(255, Pixel(Views.Of(picture, 3, null), 50, 50)[0]);
    }

    [Fact]
    public void The_smallest_picture_has_all_views()
    {
        for (var view = 1; view <= Views.Count; view++)
        {
            Assert.True(Views.Of(new RgbImage(1, 1, [1, 2, 3]), view, new PictureArea(0.5, 0.5, 0.5, 0.5)).Pixels.AsSpan()
                .StartsWith((ReadOnlySpan<byte>)[1, 2, 3]));
        }
    }

    [Theory]
    [InlineData(0), InlineData(Views.Count + 1)]
    public void There_is_no_other_view(int view) => Assert.Throws<ArgumentOutOfRangeException>(() => Views.Of(Picture, view, null));

    private static ReadOnlySpan<byte> Pixel(RgbImage picture, int x, int y) => picture.Pixels.AsSpan(((y * picture.Width) + x) * 3, 3);

    private static (int X, int Y) Darkest(RgbImage picture)
    {
        var at = Enumerable.Range(0, picture.Width * picture.Height).MinBy(i => picture.Pixels[i * 3]);
        return (at % picture.Width, at / picture.Width);
    }
}

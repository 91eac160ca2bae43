using Vlm.Vision;

namespace Vlm.Core.Tests.Vision;

public sealed class PictureAreaTests
{
    private static readonly RgbImage Picture = new(10, 5, [.. Enumerable.Range(0, 50).SelectMany(i => (byte[])[(byte)i, 0, 255])]);

    [Fact]
    public void A_part_holds_the_pixels_that_it_touches()
    {
        var part = new PictureArea(0.25, 0.2, 0.5, 0.61).Of(Picture);
        Assert.Equal((3, 3), (part.Width, part.Height));
        Assert.Equal([12, 13, 14, 22, 23, 24, 32, 33, 34], part.Pixels.Where((_, i) => i % 3 == 0));
    }

    [Fact]
    public void The_whole_is_the_picture() => Assert.Equal(Picture.Pixels, new PictureArea(0, 0, 1, 1).Of(Picture).Pixels);

    [Fact]
    public void A_point_is_one_pixel_even_on_the_far_edge()
    {
        var part = new PictureArea(1, 1, 1, 1).Of(Picture);
        Assert.Equal((1, 1, (byte)49), (part.Width, part.Height, part.Pixels[0]));
    }

    [Fact]
    public void An_area_grows_no_further_than_the_picture()
    {
        var grown = new PictureArea(0.05, 0.3, 0.5, 0.95).Grown(0.1);
        Assert.Equal((0, 0.2, 0.6, 1), (grown.Left, Math.Round(grown.Top, 12), grown.Right, grown.Bottom));
    }
}

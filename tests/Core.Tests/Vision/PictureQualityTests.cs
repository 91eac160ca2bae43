using Vlm.Puzzles;
using Vlm.Vision;

namespace Vlm.Core.Tests.Vision;

public sealed class PictureQualityTests
{
    private const int Side = 280;

    private static readonly RgbImage Sheet = new PuzzleSource(PuzzleOptions.For(Split.Clean), 1).At(0).Picture;

    [Fact]
    public void A_flat_picture_has_no_sharpness_contrast_or_letters() =>
        Assert.Equal(new PictureQuality(0, 0, 0), PictureQuality.Of(new RgbImage(50, 40, [.. Enumerable.Repeat((byte)200, 50 * 40 * 3)]), Side, Side));

    [Fact]
    public void A_blurred_picture_is_less_sharp()
    {
        var small = Resize.Bicubic(Sheet, 100, 100);
        Assert.True(PictureQuality.Of(small, Side, Side).Sharpness < 0.5 * PictureQuality.Of(Sheet, Side, Side).Sharpness);
    }

    [Fact]
    public void A_greyer_picture_has_less_contrast()
    {
        var grey = new RgbImage(Sheet.Width, Sheet.Height, [.. Sheet.Pixels.Select(level => (byte)(100 + level / 4))]);
        Assert.InRange(PictureQuality.Of(grey, Side, Side).Contrast, 0, 0.3);
    }

    [Fact]
    public void Glyphs_grow_with_the_picture()
    {
        var (small, large) = (PictureQuality.Of(Sheet, Side, Side).GlyphSize, PictureQuality.Of(Sheet, 2 * Side, 2 * Side).GlyphSize);
        Assert.InRange(small, 6, 20);
        Assert.InRange(large / small, 1.6, 2.4);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 300)]
    [InlineData(300, 3)]
    public void Any_size_has_finite_measures(int width, int height)
    {
        var quality = PictureQuality.Of(Sheet, width, height);
        Assert.All((double[])[quality.Sharpness, quality.Contrast, quality.GlyphSize], value => Assert.True(double.IsFinite(value) && value >= 0));
    }
}

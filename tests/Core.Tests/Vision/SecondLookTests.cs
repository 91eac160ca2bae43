using Vlm.Vision;

namespace Vlm.Core.Tests.Vision;

public sealed class SecondLookTests
{
    [Fact]
    public void The_picture_is_whole_and_its_edge_is_continued()
    {
        byte[] pixels = [.. Enumerable.Range(0, 120 * 72 * 3).Select(i => (byte)(i * 31))];
        var look = SecondLook.At(new RgbImage(120, 72, pixels));
        Assert.Equal((120 + 3 + 2, 72 + 2 + 1), (look.Width, look.Height));
        ReadOnlySpan<byte> Pixel(RgbImage picture, int x, int y) => picture.Pixels.AsSpan(((y * picture.Width) + x) * 3, 3);
        var original = new RgbImage(120, 72, pixels);
        for (var y = 0; y < look.Height; y++)
            for (var x = 0; x < look.Width; x++)
                Assert.True(Pixel(look, x, y).SequenceEqual(Pixel(original, Math.Clamp(x - 3, 0, 119), Math.Clamp(y - 2, 0, 71))), $"({x}, {y})");
    }

    [Fact]
    public void The_smallest_picture_has_a_border_too() => Assert.Equal((3, 3), (SecondLook.At(new RgbImage(1, 1, [1, 2, 3])).Width, SecondLook.At(new RgbImage(1, 1, [1, 2, 3])).Height));
}

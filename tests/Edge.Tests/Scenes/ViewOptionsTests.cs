using FsCheck;
using FsCheck.Fluent;
using Vlm.Edge.Scenes;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Scenes;

/// <summary>What is left of a camera's picture: turned, then cut, then covered.</summary>
public sealed class ViewOptionsTests
{
    [Fact]
    public void A_picture_is_turned_then_cut_then_covered()
    {
        // 4 x 2; each pixel's red says where it is.
        var picture = new RgbImage(4, 2, [.. Enumerable.Range(0, 8).SelectMany(i => new byte[] { (byte)(10 + i), 1, 1 })]);
        var view = new ViewOptions { Rotate = 90, Crop = new Region { Height = 0.5 }, Masks = [new Region { Left = 0.5, Width = 0.5, Height = 0.5 }] };

        var seen = view.Apply(picture);

        // Turned clockwise it is 2 x 4 with the rows 14 10, 15 11, 16 12, 17 13; its upper half is kept, the upper right of that is covered.
        Assert.Equal((2, 2), (seen.Width, seen.Height));
        Assert.Equal([14, 0, 15, 11], Enumerable.Range(0, 4).Select(i => (int)seen.Pixels[i * 3]));
    }

    [Fact]
    public void Nothing_of_a_covered_part_is_left_whatever_the_picture_and_the_part() => Check.One(Config.QuickThrowOnFailure, Prop.ForAll(
        (from size in Gen.Choose(1, 40).Two()
         from left in Gen.Choose(0, 90)
         from top in Gen.Choose(0, 90)
         from width in Gen.Choose(1, 100 - left)
         from height in Gen.Choose(1, 100 - top)
         select (size, part: new Region { Left = left / 100.0, Top = top / 100.0, Width = width / 100.0, Height = height / 100.0 })).ToArbitrary(),
        drawn =>
        {
            var ((width, height), part) = drawn;
            var white = new RgbImage(width, height, [.. Enumerable.Repeat((byte)255, width * height * 3)]);
            var seen = new ViewOptions { Masks = [part] }.Apply(white);
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    var isInside = (x + 1.0) / width > part.Left + 1e-9 && x / (double)width < part.Left + part.Width - 1e-9
                        && (y + 1.0) / height > part.Top + 1e-9 && y / (double)height < part.Top + part.Height - 1e-9;
                    if (isInside) Assert.Equal(0, seen.Pixels[((y * width) + x) * 3]);
                }
            }
        }));

    [Fact]
    public void What_cannot_be_is_told()
    {
        var view = new ViewOptions { Rotate = 45, Crop = new Region { Width = 1.5 }, Masks = [new Region { Left = 0.5 }] };

        Assert.Equal(["rotate", "crop", "masks"], view.Problems().Select(problem => problem.Split(':')[0]));
        Assert.True(new ViewOptions().IsWhole);
        Assert.Empty(new ViewOptions().Problems());
    }
}

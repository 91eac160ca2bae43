using Vlm.Cryptogram;
using Vlm.Drawing;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Core.Tests.Puzzles;

public sealed class SheetTests
{
    /// <summary>The pairs of the published picture in its order.</summary>
    private const string Coded = "uvpjboztawrxikclgsnymfqdhe";
    private const string Plain = "hjteadlnrkvpqfocxbmwuzsgiy";

    [Fact]
    public void The_reference_layout_has_its_ink_where_the_published_picture_has_it()
    {
        var published = ImageCodec.Decode(File.ReadAllBytes(Golden.Path("reference-pictures/published-example.png")));
        using var sheet = Sheet.Draw(PublishedCipher(), Coded.ToCharArray(), SheetStyle.Reference400(Fonts.Reference), 1, new SeededRandom(1));
        var ours = Photograph.Flat(sheet, SheetStyle.Reference400(Fonts.Reference));

        Assert.Equal((400, 400), (ours.Width, ours.Height));
        for (var pair = 0; pair < 26; pair++)
        {
            var cell = pair == 25 ? new Box(0, 372, 400, 28) : new Box(pair % 5 * 80, (pair / 5 * 70) + 20, 80, 70);
            var (theirs, mine) = (Ink(published, cell), Ink(ours, cell));
            Assert.InRange(mine.Left - theirs.Left, -2, 2);
            Assert.InRange(mine.Top - theirs.Top, -2, 2);
            Assert.InRange(mine.Left + mine.Width - theirs.Left - theirs.Width, -2, 2);
            Assert.InRange(mine.Top + mine.Height - theirs.Top - theirs.Height, -2, 2);
        }
    }

    [Fact]
    public void The_upper_case_layout_is_three_hundred_pixels_with_the_odd_pair_below()
    {
        using var sheet = Sheet.Draw(PublishedCipher(), Coded.ToCharArray(), SheetStyle.Reference300(Fonts.Reference), 1, new SeededRandom(1));

        Assert.Equal((300, 300), (sheet.Width, sheet.Height));
        Assert.InRange(sheet.Labels[0].CentreX, 25, 35);
        Assert.InRange(sheet.Labels[6].CentreX - sheet.Labels[5].CentreX, 55, 65);
        Assert.InRange(sheet.Labels[5].CentreY - sheet.Labels[0].CentreY, 43, 57);
        Assert.InRange(sheet.Labels[25].CentreX, 145, 155);
        Assert.InRange(sheet.Labels[25].CentreY, 260, 299);
    }

    [Fact]
    public void No_pair_meets_another_and_all_ink_is_on_the_sheet()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var rng = SeededRandom.From(seed);
            var style = StyleDraw.Next(rng, Fonts.Training) with { Decoration = Decoration.None };
            using var sheet = Sheet.Draw(Cipher.Random(rng), style, rng.Pick(0.5f, 0.75f, 1, 1.5f), rng);

            Assert.Equal(26, sheet.Labels.Count);
            Assert.InRange(sheet.InkBox.Left, -1, sheet.Width);
            Assert.InRange(sheet.InkBox.Top + sheet.InkBox.Height, 0, sheet.Height + 1);
            for (var i = 0; i < 26; i++)
            {
                for (var j = 0; j < i; j++) AssertApart(sheet.Labels[i], sheet.Labels[j]);
            }
        }
    }

    [Fact]
    public void Letters_are_told_from_the_paper_in_every_style()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var style = StyleDraw.Next(SeededRandom.From(seed), Fonts.Training);
            Assert.InRange(Math.Abs(Grey(style.Paper) - Grey(style.Ink)), 100, 255);
        }
    }

    [Fact]
    public void Held_out_faces_are_other_faces()
    {
        Assert.NotEmpty(Fonts.HeldOut);
        Assert.NotEmpty(Fonts.Training);
        Assert.Empty(Fonts.HeldOut.Intersect(Fonts.Training));
        Assert.Contains(Fonts.Reference, Fonts.Training);
        Assert.Equal(Fonts.List.Count, Fonts.List.Select(entry => (entry.Family, entry.Style)).Distinct().Count());
        Assert.All(Fonts.Training.Concat(Fonts.HeldOut), face => Assert.True(face.Has("azAZ")));
    }

    private static Cipher PublishedCipher()
    {
        var coded = new char[26];
        for (var i = 0; i < 26; i++) coded[Plain[i] - 'a'] = Coded[i];
        return new Cipher(new string(coded));
    }

    /// <summary>Letters of two pairs are at least a few pixels apart, so that each belongs to one pair.</summary>
    private static void AssertApart(PairLabel one, PairLabel other)
    {
        foreach (var (x, y) in new[] { (one.CodedX, one.CodedY), (one.PlainX, one.PlainY) })
        {
            var nearest = Math.Min(
                MathF.Max(Math.Abs(x - other.CodedX), Math.Abs(y - other.CodedY)), MathF.Max(Math.Abs(x - other.PlainX), Math.Abs(y - other.PlainY)));
            Assert.InRange(nearest, 4, 1000);
        }
    }

    private static double Grey(Colour colour) => (0.299 * colour.R) + (0.587 * colour.G) + (0.114 * colour.B);

    private static Box Ink(RgbImage picture, Box cell)
    {
        var (left, top, right, bottom) = (int.MaxValue, int.MaxValue, -1, -1);
        for (var y = (int)cell.Top; y < Math.Min(picture.Height, cell.Top + cell.Height); y++)
        {
            for (var x = (int)cell.Left; x < cell.Left + cell.Width; x++)
            {
                if (picture.Pixels[((y * picture.Width) + x) * 3] > 150) continue;
                (left, right, top, bottom) = (Math.Min(left, x), Math.Max(right, x), Math.Min(top, y), Math.Max(bottom, y));
            }
        }

        return new Box(left, top, right - left + 1, bottom - top + 1);
    }
}

using Vlm.Drawing;
using Vlm.Vision;

namespace Vlm.Core.Tests.Drawing;

public sealed class CanvasTests
{
    [Fact]
    public void A_text_is_drawn_where_its_measured_box_says()
    {
        using var canvas = new Canvas(120, 60, Colour.White);

        var box = canvas.Text("pair", 20, 40, new TextStyle(Fonts.Reference, 24, Colour.Black));

        var ink = Ink(canvas.ToImage(), level => level < 128);
        Assert.InRange(ink.Left, box.Left - 2, box.Left + 2);
        Assert.InRange(ink.Top, box.Top - 2, box.Top + 2);
        Assert.InRange(ink.Left + ink.Width, box.Left + box.Width - 2, box.Left + box.Width + 2);
        Assert.InRange(ink.Top + ink.Height, box.Top + box.Height - 2, box.Top + box.Height + 2);
    }

    [Fact]
    public void A_picture_under_the_drawing_stays_as_it_was()
    {
        var picture = new RgbImage(3, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
        using var copy = Canvas.Over(picture);
        using var larger = new Canvas(5, 4, Colour.Black);
        larger.Picture(picture, 1, 1);

        Assert.Equal(picture.Pixels, copy.ToImage().Pixels);
        Assert.Equal(picture.Pixels.AsSpan(0, 9).ToArray(), larger.ToImage().Pixels.AsSpan(((5 * 1) + 1) * 3, 9).ToArray());
    }

    [Fact]
    public void Shapes_cover_their_boxes()
    {
        using var canvas = new Canvas(40, 40, Colour.White);
        canvas.Fill(new Box(10, 5, 4, 6), new Colour(0, 0, 0));

        Assert.Equal(new Box(10, 5, 4, 6), Ink(canvas.ToImage(), level => level < 128));

        canvas.Fill(new Box(0, 0, 40, 40), Colour.White);
        canvas.Line((5.5f, 20.5f), (30.5f, 20.5f), Colour.Black);
        Assert.Equal((20, 1), ((int)Ink(canvas.ToImage(), level => level < 128).Top, (int)Ink(canvas.ToImage(), level => level < 128).Height));

        canvas.Fill(new Box(0, 0, 40, 40), Colour.White);
        canvas.Outline(new Box(10.5f, 10.5f, 20, 20), Colour.Black);
        Assert.Equal(new Box(10, 10, 21, 21), Ink(canvas.ToImage(), level => level < 128));
    }

    [Fact]
    public void Dashes_leave_their_gaps_white_around_corners_too()
    {
        using var canvas = new Canvas(40, 40, Colour.White);
        canvas.Dashes([(5, 10.5f), (15, 10.5f), (15, 30)], Colour.Black, 1, (6, 8));

        var ink = canvas.ToImage();
        bool IsInk(int x, int y) => ink.Pixels[((y * 40) + x) * 3] < 160;
        Assert.Equal(Enumerable.Range(5, 6), Enumerable.Range(0, 40).Where(x => IsInk(x, 10)));
        // Four pixels of the first gap lie before the corner, four after it.
        Assert.Equal(Enumerable.Range(15, 5), Enumerable.Range(11, 11).Where(y => IsInk(14, y) || IsInk(15, y)));
    }

    [Fact]
    public void A_glyph_mask_is_trimmed_to_its_ink_and_cached()
    {
        var mask = Fonts.Reference.Glyph('j', 20, GlyphHinting.None);

        Assert.Equal(mask.Width * mask.Height, mask.Alpha.Length);
        Assert.Contains(mask.Alpha.Take(mask.Width), alpha => alpha >= 16);
        Assert.Contains(mask.Alpha.TakeLast(mask.Width), alpha => alpha >= 16);
        Assert.True(mask.Top < -10 && mask.Top + mask.Height > 2, "j rises above and hangs below the line");
        Assert.Same(mask, Fonts.Reference.Glyph('j', 20, GlyphHinting.None));
        Assert.Equal(0, Fonts.Reference.Glyph(' ', 20, GlyphHinting.None).Width);
    }

    [Fact]
    public void A_file_that_is_no_font_is_refused_by_name()
    {
        using var folder = new TempFolder();
        var path = folder.Write("letters.ttf", "not a font");

        Assert.Contains(path, Assert.Throws<InvalidDataException>(() => FontFace.Open(path)).Message, StringComparison.Ordinal);
    }

    private static Box Ink(RgbImage picture, Func<byte, bool> inked)
    {
        var places = Enumerable.Range(0, picture.Width * picture.Height).Where(i => inked(picture.Pixels[i * 3])).ToList();
        var (left, right) = (places.Min(i => i % picture.Width), places.Max(i => i % picture.Width));
        var (top, bottom) = (places.Min(i => i / picture.Width), places.Max(i => i / picture.Width));
        return new Box(left, top, right - left + 1, bottom - top + 1);
    }
}

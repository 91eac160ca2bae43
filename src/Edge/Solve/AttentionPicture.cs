using Vlm.Drawing;
using Vlm.Files;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Edge.Solve;

/// <summary>Where the model looked, per decoded letter: the picture once for each, its cells coloured from red (not at all) to green (there).</summary>
internal static class AttentionPicture
{
    private const int Columns = 4;
    private const int Margin = 12;
    private const int Caption = 34;
    private const int SideMax = 320;

    // Lifts what is between none and most, so that a second place is seen too. The published demonstration's value.
    private const double Gamma = 0.4;

    private static readonly Colour Cursor = new(100, 150, 255);

    /// <summary>Draws a solution's letters into a PNG.</summary>
    /// <param name="solution">With at least one letter.</param>
    /// <param name="path">The picture's file.</param>
    public static void Save(Solution solution, string path) => AtomicFile.Write(path, ImageCodec.EncodePng(Draw(solution)));

    private static RgbImage Draw(Solution solution)
    {
        var picture = Shrink(solution.Question.Picture);
        var letters = solution.Letters;
        var columns = Math.Min(letters.Count, Columns);
        var rows = (letters.Count + columns - 1) / columns;
        var (cellWidth, cellHeight) = (picture.Width + Margin, picture.Height + Caption + Margin);
        using var canvas = new Canvas((columns * cellWidth) + Margin, (rows * cellHeight) + Margin, Colour.White);
        for (var i = 0; i < letters.Count; i++)
        {
            var (left, top) = (Margin + (i % columns * cellWidth), Margin + (i / columns * cellHeight));
            canvas.Picture(picture, left, top + Caption);
            Overlay(canvas, new Box(left, top + Caption, picture.Width, picture.Height), letters[i], solution.Grid);
            Label(canvas, left, top, $"{letters[i].Coded} {Cryptogram.ReplyText.Arrow} {letters[i].Plain}");
        }
        return canvas.ToImage();
    }

    private static RgbImage Shrink(RgbImage picture)
    {
        var scale = Math.Min(1.0, (double)SideMax / Math.Max(picture.Width, picture.Height));
        return scale >= 1 ? picture : Resize.Bicubic(picture, Math.Max(1, (int)(picture.Width * scale)), Math.Max(1, (int)(picture.Height * scale)));
    }

    private static void Overlay(Canvas canvas, Box area, LetterAttention letter, PatchGrid grid)
    {
        // A token covers a square of merged patches; both sides of the grid shrink alike.
        var merge = (int)Math.Round(Math.Sqrt((double)grid.Patches / letter.Weights.Length));
        var (rows, columns) = (grid.Rows / merge, grid.Columns / merge);
        var (least, most) = (letter.Weights.Min(), letter.Weights.Max());
        var (width, height) = (area.Width / columns, area.Height / rows);
        for (var i = 0; i < letter.Weights.Length; i++)
        {
            var share = most > least ? Math.Pow((letter.Weights[i] - least) / (most - least), Gamma) : 0;
            var cell = new Box(area.Left + (i % columns * width), area.Top + (i / columns * height), width, height);
            canvas.Fill(cell, new Colour((byte)(255 * (1 - share)), (byte)(255 * share), 0, 128));
            if (letter.Weights[i] == most) canvas.Outline(cell, Cursor, 2);
        }
    }

    private static void Label(Canvas canvas, int left, int top, string text) =>
        canvas.Text(text, left, top + 25, new TextStyle(Face(), 24, Colour.Black));

    private static FontFace Face()
    {
        try
        {
            return Drawing.Fonts.Arrow;
        }
        catch (UserException e)
        {
            throw new IOException($"The attention picture needs a font for its captions: {e.Message}", e);
        }
    }
}

using Vlm.Cryptogram;
using Vlm.Drawing;
using Vlm.Files;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Edge.Solve;

/// <summary>
/// Where the model looked: the sheet in the dark, lit at the pairs that it read and numbered in the order of the answer; beside it the answer word by word,
/// each letter with what it was read from.
/// </summary>
internal sealed class AttentionPicture : IDisposable
{
    private const int Margin = 28, SheetSide = 560;
    private const int LeastTile = 88, MostTile = 140, TileGap = 12, CaptionHeight = 38, MostTilesPerRow = 8, WordGap = 12;
    private const int HeadHeight = 132, FootHeight = 60, TextSize = 17;
    private const int PanelWidth = MostTilesPerRow * (LeastTile + TileGap) - TileGap;

    // A tile shows this many tokens from left to right: a pair and a little around it.
    private const double TokensPerTile = 3;

    private static readonly Colour
        Night = new(13, 20, 33), Frame = new(58, 74, 99), Pale = new(148, 163, 184), Bright = new(241, 245, 249), Amber = new(255, 200, 87);

    private readonly Solution _solution;
    private readonly Spotlight _spotlight;
    private readonly RgbImage _sheet;
    private readonly FontFace _face;
    private readonly string[] _words;
    private readonly int _tileWidth, _tileHeight;
    private readonly Canvas _canvas;

    private AttentionPicture(Solution solution)
    {
        _solution = solution;
        _sheet = Fit(solution.Question.Picture);
        _spotlight = new Spotlight(_sheet, solution.Grid, solution.Letters[0].Weights.Length);
        _face = Face();
        _words = solution.Question.Code.Replace(" ", "").Split('_');
        _tileWidth = Math.Clamp((PanelWidth + TileGap) / Math.Min(MostTilesPerRow, _words.Max(word => word.Length)) - TileGap, LeastTile, MostTile);
        _tileHeight = _tileWidth * 2 / 3;
        var tiles = Rows().Sum(row => (row.IsNewWord ? WordGap : 0) + _tileHeight + CaptionHeight) - WordGap;
        var height = Margin + Math.Max(_sheet.Height, HeadHeight + tiles) + FootHeight;
        _canvas = new Canvas(Margin + _sheet.Width + Margin + PanelWidth + Margin, height, Night);
    }

    /// <summary>Draws a solution's letters into a PNG.</summary>
    /// <param name="solution">With at least one letter.</param>
    /// <param name="remarks">Lines under the answer, such as its confidence.</param>
    /// <param name="path">The picture's file.</param>
    public static void Save(Solution solution, IEnumerable<string> remarks, string path)
    {
        using var picture = new AttentionPicture(solution);
        picture.DrawSheet();
        picture.DrawAnswer(remarks);
        AtomicFile.Write(path, ImageCodec.EncodePng(picture._canvas.ToImage()));
    }

    public void Dispose() => _canvas.Dispose();

    private static RgbImage Fit(RgbImage picture)
    {
        var scale = (double)SheetSide / Math.Max(picture.Width, picture.Height);
        return Resize.Bicubic(picture, Math.Max(1, (int)(picture.Width * scale)), Math.Max(1, (int)(picture.Height * scale)));
    }

    private void DrawSheet()
    {
        _canvas.Picture(_spotlight.Light(_solution.Letters), Margin, Margin);
        _canvas.Outline(new Box(Margin, Margin, _sheet.Width, _sheet.Height), Frame);
        // A pair that is read twice has both numbers.
        foreach (var pair in _solution.Letters.Index().GroupBy(letter => letter.Item.Coded))
        {
            var (x, y) = _spotlight.Centre(pair.First().Item);
            var numbers = string.Join(' ', pair.Select(letter => letter.Index + 1));
            DrawRing(Margin + x, Margin + y);
            DrawBadge(numbers, Margin + (float)x, Margin + (float)(y - _spotlight.Radius.Y));
        }

        Write("Lit: where the model looked while it wrote each letter of its answer.", Margin, Margin + _sheet.Height + 36, TextSize, Pale);
    }

    private void DrawAnswer(IEnumerable<string> remarks)
    {
        float left = Margin + _sheet.Width + Margin, top = Margin + HeadHeight;
        Write(_solution.Question.Code.Replace("_", " "), left, Margin + 14, TextSize, Pale);
        Write(_solution.Answer ?? "(no answer)", left, Margin + 56, 36, Bright);
        foreach (var (index, line) in remarks.SelectMany(Wrap).Index()) Write(line, left, Margin + 86 + index * 22, TextSize, Pale);
        foreach (var row in Rows())
        {
            if (row.IsNewWord && row.First > 0) top += WordGap;
            for (var i = 0; i < row.Count; i++) DrawTile(row.First + i, left + i * (_tileWidth + TileGap), top);
            top += _tileHeight + CaptionHeight;
        }
    }

    /// <summary>What a letter was read from, as this letter's own attention lights it.</summary>
    private void DrawTile(int index, float left, float top)
    {
        var letter = _solution.Letters[index];
        _canvas.Picture(Crop(_spotlight.Light([letter]), _spotlight.Centre(letter)), (int)left, (int)top);
        _canvas.Outline(new Box(left, top, _tileWidth, _tileHeight), Frame);
        DrawBadge($"{index + 1}", left + 4, top + 2);
        var coded = $"{letter.Coded} {ReplyText.Arrow} ";
        var width = Canvas.Measure(coded + letter.Plain, _face, 20).Width;
        Write(coded, left + (_tileWidth - width) / 2, top + _tileHeight + 22, 20, Pale);
        var right = left + (_tileWidth - width) / 2 + width;
        Write($"{letter.Plain}", right - Canvas.Measure($"{letter.Plain}", _face, 20).Width, top + _tileHeight + 22, 20, Amber);
    }

    private RgbImage Crop(RgbImage lit, (double X, double Y) centre)
    {
        var width = Math.Min(lit.Width, (int)(TokensPerTile * _spotlight.Token.Width));
        var height = Math.Min(lit.Height, width * _tileHeight / _tileWidth);
        var left = Math.Clamp((int)(centre.X - width / 2.0), 0, lit.Width - width);
        var top = Math.Clamp((int)(centre.Y - height / 2.0), 0, lit.Height - height);
        var pixels = new byte[width * height * 3];
        for (var row = 0; row < height; row++)
            lit.Pixels.AsSpan(((top + row) * lit.Width + left) * 3, width * 3).CopyTo(pixels.AsSpan(row * width * 3));
        return Resize.Bicubic(new RgbImage(width, height, pixels), _tileWidth, _tileHeight);
    }

    /// <summary>The letters in rows: a word begins a new one, and a long word goes on in the next.</summary>
    private IEnumerable<(int First, int Count, bool IsNewWord)> Rows()
    {
        var first = 0;
        foreach (var word in _words)
        {
            var letters = Math.Min(word.Length, _solution.Letters.Count - first);
            for (var done = 0; done < letters; done += MostTilesPerRow) yield return (first + done, Math.Min(MostTilesPerRow, letters - done), done == 0);
            first += letters;
        }
    }

    /// <summary>A text in lines that fit beside the sheet.</summary>
    private IEnumerable<string> Wrap(string text)
    {
        var line = "";
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && Canvas.Measure($"{line} {word}", _face, TextSize).Width > PanelWidth)
            {
                yield return line;
                line = "";
            }

            line = line.Length == 0 ? word : $"{line} {word}";
        }

        yield return line;
    }

    private void DrawRing(double x, double y)
    {
        const int Corners = 64;
        var (width, height) = _spotlight.Radius;
        (float, float)[] points = [.. Enumerable.Range(0, Corners + 1).Select(i => Math.Tau * i / Corners)
            .Select(angle => ((float)(x + width * Math.Cos(angle)), (float)(y + height * Math.Sin(angle))))];
        _canvas.Polyline(points, Amber, 1.5f);
    }

    /// <summary>Amber, as wide as its numbers; a line's ends are round.</summary>
    private void DrawBadge(string numbers, float x, float y)
    {
        const float Size = 14, Height = 20;
        var ink = Canvas.Measure(numbers, _face, Size);
        var half = Math.Max(0, ink.Width / 2 - 4);
        _canvas.Line((x - half, y), (x + half, y), Night, Height + 4);
        _canvas.Line((x - half, y), (x + half, y), Amber, Height);
        Write(numbers, x - ink.Left - ink.Width / 2, y + Size * 0.36f, Size, Night);
    }

    private void Write(string text, float left, float baseline, float size, Colour colour) =>
        _canvas.Text(text, left, baseline, new TextStyle(_face, size, colour));

    private static FontFace Face()
    {
        try
        {
            return Fonts.Arrow;
        }
        catch (UserException e)
        {
            throw new UserException($"The attention picture needs a font for its captions: {e.Message}", e);
        }
    }
}

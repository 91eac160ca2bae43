using Vlm.Cryptogram;
using Vlm.Drawing;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Puzzles;

/// <summary>Pictures without a decoder: nothing, noise, scenes, and sheets of other things than pairs of letters.</summary>
internal static class EmptyPicture
{
    // Letters of other alphabets that look like none of a-z.
    private const string Greek = "βγδθλξπσφψΓΔΘΛΞΠΣΦΨΩ", Cyrillic = "бгдёжзийлпфцчшщъыьэюяБГДЖЗИЙЛПФЦЧШЩЭЮЯ";

    /// <summary>Draws one.</summary>
    public static SheetPicture Draw(PuzzleBasis basis, SeededRandom rng)
    {
        var look = rng.NextDouble();
        if (look < 0.15) return Bare(Even(rng));
        if (look < 0.25) return Bare(Noise(rng));
        if (look < 0.4) return Bare(Scene(rng));
        var (texts, style) = rng.NextDouble() switch
        {
            < 0.15 => (new SheetCell?[Cipher.Letters], basis.Style with { Decoration = (Decoration)rng.Between(0, 4) }),
            < 0.35 => Prose(basis, rng),
            < 0.55 => (Table(rng), basis.Style),
            < 0.75 => Alphabet(basis.Style, rng),
            < 0.85 => (WordCells(basis, rng), basis.Style),
            _ => OtherScript(basis.Style, rng),
        };
        return basis.Picture(scale => Sheet.Draw(texts, style, scale, rng), style, rng);
    }

    private static SheetPicture Bare(RgbImage picture) => new(picture, [], []);

    private static (int Width, int Height) Size(SeededRandom rng) => rng.Chance(0.6)
        ? rng.Pick((400, 400), (400, 400), (300, 300), (336, 336))
        : (rng.Between(280, 560), rng.Between(280, 560));

    /// <summary>One colour, black and white most of all, as a covered or a dead camera gives it.</summary>
    private static RgbImage Even(SeededRandom rng)
    {
        var (width, height) = Size(rng);
        var level = rng.NextDouble() switch { < 0.3 => 0, < 0.5 => 255, _ => rng.Between(0, 255) };
        float[] colour = rng.Chance(0.7) ? [level, level, level] : [rng.Between(0, 255), rng.Between(0, 255), rng.Between(0, 255)];
        var noise = rng.Chance(0.4) ? 0 : rng.Uniform(0, 8);
        return Paint(width, height, (_, _, c) => colour[c] + rng.Uniform(-noise, noise));
    }

    private static RgbImage Noise(SeededRandom rng)
    {
        var (width, height) = Size(rng);
        var (middle, reach, isGrey) = (rng.Uniform(60, 200), rng.Uniform(20, 160), rng.Chance(0.4));
        var grain = rng.Pick(1, 1, 2, 4, 8);
        var columns = (width / grain) + 1;
        var levels = new float[columns * ((height / grain) + 1) * 3];
        for (var i = 0; i < levels.Length; i++) levels[i] = isGrey && i % 3 > 0 ? levels[i - 1] : middle + rng.Uniform(-reach, reach);
        return Paint(width, height, (x, y, c) => levels[((((y / grain) * columns) + (x / grain)) * 3) + c]);
    }

    /// <summary>A table and things on it, a wall, a screen; no paper.</summary>
    private static RgbImage Scene(SeededRandom rng)
    {
        var (width, height) = Size(rng);
        var channels = Backdrop.Draw(rng, width, height);
        var rows = new float[3, width];
        var row = new float[width];
        var (at, noise) = (-1, rng.Uniform(0, 6));
        return Paint(width, height, (x, y, c) =>
        {
            if (y != at)
            {
                at = y;
                for (var k = 0; k < 3; k++)
                {
                    channels[k].Row(y, row);
                    for (var i = 0; i < width; i++) rows[k, i] = row[i];
                }
            }

            return rows[c, x] + rng.Uniform(-noise, noise);
        });
    }

    private static RgbImage Paint(int width, int height, Func<int, int, int, float> level)
    {
        var pixels = new byte[width * height * 3];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)Math.Clamp(level(i / 3 % width, i / 3 / width, i % 3), 0, 255);
        return new RgbImage(width, height, pixels);
    }

    private static (SheetCell?[] Texts, SheetStyle Style) Prose(PuzzleBasis basis, SeededRandom rng)
    {
        var lines = rng.Between(6, 18);
        string Line() => string.Join(' ', Enumerable.Range(0, rng.Between(3, 7)).Select(_ => Word(basis, rng)));
        return ([.. Enumerable.Range(0, lines).Select(_ => Text(Line()))],
            basis.Style with { Columns = 1, Rows = lines, LastRow = 0, Decoration = Decoration.None });
    }

    /// <summary>Pairs of which at least one side is no letter: numbers, prices, sums, a letter's number.</summary>
    private static SheetCell?[] Table(SeededRandom rng)
    {
        var look = rng.Next(4);
        return [.. Enumerable.Range(0, rng.Between(12, Cipher.Letters)).Select(i => look switch
        {
            0 => new SheetCell($"{rng.Between(0, 99)}", $"{rng.Between(0, 99)}", CellKind.Other),
            1 => new SheetCell($"{rng.Between(1, 9)}", $"{rng.Between(0, 9)}", CellKind.Other),
            2 => new SheetCell(Letter(i).ToString(), $"{i + 1}", CellKind.Other),
            _ => Text($"{rng.Between(1, 20)}.{rng.Between(10, 99)}"),
        })];
    }

    /// <summary>Letters that stand alone.</summary>
    private static (SheetCell?[] Texts, SheetStyle Style) Alphabet(SheetStyle style, SeededRandom rng)
    {
        var letters = Enumerable.Range(0, Cipher.Letters).Select(Letter).ToArray();
        if (rng.Chance(0.4)) rng.Shuffle(letters);
        if (rng.Chance(0.7)) return ([.. letters.Select(letter => Text(letter.ToString()))], style);
        var (row, rows) = (rng.Pick(7, 9, 13, 26), new List<SheetCell?>());
        foreach (var piece in letters.Chunk(row)) rows.Add(Text(string.Join(rng.Pick("", " "), piece)));
        return ([.. rows], style with { Columns = 1, Rows = rows.Count, LastRow = 0 });
    }

    private static SheetCell?[] WordCells(PuzzleBasis basis, SeededRandom rng) =>
        [.. Enumerable.Range(0, rng.Between(6, Cipher.Letters)).Select(_ => Text(Word(basis, rng)))];

    private static (SheetCell?[] Texts, SheetStyle Style) OtherScript(SheetStyle style, SeededRandom rng)
    {
        var letters = rng.Pick(Greek, Cyrillic);
        var face = style.Face.Has(letters) ? style.Face : Fonts.For(letters);
        if (!face.Has(letters)) return (new SheetCell?[Cipher.Letters], style);
        string Any() => letters[rng.Next(letters.Length)].ToString();
        SheetCell[] texts = [.. Enumerable.Range(0, Cipher.Letters).Select(_ => new SheetCell(Any(), Any(), CellKind.Other))];
        return (texts, style with { Face = face, UpperCase = false });
    }

    private static SheetCell Text(string text) => new(text, null, CellKind.Other);

    private static string Word(PuzzleBasis basis, SeededRandom rng) => basis.Words[rng.Next(basis.Words.Count)];

    private static char Letter(int i) => (char)('a' + i);
}

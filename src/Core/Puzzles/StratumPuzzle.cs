using Vlm.Cryptogram;
using Vlm.Drawing;
using Vlm.Statistics;

namespace Vlm.Puzzles;

/// <summary>What a puzzle would be if its picture were whole.</summary>
/// <param name="Message">The message.</param>
/// <param name="Cipher">The alphabet.</param>
/// <param name="Kind">One of <see cref="PictureKind"/>.</param>
/// <param name="Severity">Camera severity 1-5, 0 without a camera.</param>
/// <param name="Style">The sheet's look.</param>
internal sealed record PuzzleBasis(string Message, Cipher Cipher, string Kind, int Severity, SheetStyle Style)
{
    /// <summary>Share of camera frames that are not square.</summary>
    public double OtherShapes { get; init; }

    /// <summary>Pixels of a scene per pixel of a real camera's frame.</summary>
    public double FrameScale { get; init; } = 1;

    /// <summary>Words that messages are made of.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Draws a sheet flat or photographs it, as the kind says.</summary>
    public SheetPicture Picture(Func<float, Sheet> draw, SheetStyle style, SeededRandom rng) => Kind switch
    {
        PictureKind.Camera => SheetPicture.Photographed(draw, style, Severity, OtherShapes, rng),
        PictureKind.Wide => WideStyle.Picture(draw, style, rng),
        PictureKind.Scene => ScenePicture.Take(draw, style, Severity, FrameScale, rng),
        _ => SheetPicture.Flat(draw, style, Kind, rng),
    };
}

/// <summary>
/// Puzzles whose picture does not simply show the alphabet. Where letters are hidden the message mostly has one of them, in a word that would be another word
/// with another hidden letter: nothing but the picture can tell, and the picture does not.
/// </summary>
internal static class StratumPuzzle
{
    /// <summary>Share of the puzzles with hidden letters whose message turns on one.</summary>
    private const double Trapped = 0.75;

    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz";

    /// <summary>Draws a puzzle of a stratum other than <see cref="Stratum.Whole"/>.</summary>
    public static Puzzle Draw(Stratum stratum, PuzzleBasis basis, SeededRandom rng) => stratum switch
    {
        Stratum.Absent => Absent(basis, rng),
        Stratum.Covered => Covered(basis, rng),
        Stratum.Contradictory => Contradictory(basis, rng),
        Stratum.Reversed => Reversed(basis, rng),
        Stratum.Empty => ToPuzzle(stratum, basis, EmptyPicture.Draw(basis, rng), Alphabet),
        Stratum.Two => Two(basis, rng),
        _ => throw new ArgumentOutOfRangeException(nameof(stratum), stratum, "expected a stratum in which something is the matter"),
    };

    private static Puzzle Absent(PuzzleBasis plain, SeededRandom rng)
    {
        var (basis, hidden) = WithTrap(plain, rng);
        var count = rng.NextDouble() switch { < 0.5 => rng.Between(1, 4), < 0.8 => rng.Between(5, 15), _ => rng.Between(16, 25) };
        var missing = Further(hidden, Math.Max(count, hidden.Length), rng);
        SheetCell?[] cells = [.. Pairs(basis.Cipher, rng).Select(cell => missing.Contains(cell.Coded, StringComparison.Ordinal) ? null : cell)];
        // Where pairs are missing there are gaps, or the others close up.
        if (rng.Chance(0.5)) cells = [.. cells.Where(cell => cell is not null)];
        var rows = (cells.Length + basis.Style.Columns - 1) / basis.Style.Columns;
        var style = rows < basis.Style.Rows && rng.Chance(0.5) ? basis.Style with { Rows = rows } : basis.Style;
        return ToPuzzle(Stratum.Absent, basis, basis.Picture(scale => Sheet.Draw(cells, style, scale, rng), style, rng), missing);
    }

    private static Puzzle Covered(PuzzleBasis plain, SeededRandom rng)
    {
        var (basis, hidden) = WithTrap(plain, rng);
        var sheet = basis.Picture(scale => Sheet.Draw(basis.Cipher, basis.Style, scale, rng), basis.Style, rng);
        var covers = new Covers(sheet, rng);
        for (var pair = 0; pair < sheet.Labels.Count; pair++)
        {
            if (hidden.Contains(sheet.Labels[pair].Coded, StringComparison.Ordinal)) covers.Hide(pair);
        }

        for (var more = rng.Pick(0, 0, 0, 1, 1, 2, 4); more > 0; more--) covers.Hide(rng.Next(sheet.Labels.Count));
        for (var more = hidden.Length > 0 ? rng.Pick(0, 0, 1) : rng.Pick(1, 1, 2); more > 0; more--) covers.Lay();
        var seen = rng.Chance(0.15) ? covers.Cut() : sheet with { Picture = covers.Picture };
        var covered = string.Concat(sheet.Labels.Where((_, pair) => covers.IsHidden[pair]).Select(label => label.Coded));
        return ToPuzzle(Stratum.Covered, basis, seen, covered);
    }

    /// <summary>A coded letter with two plain letters, both of which make a word; or two coded letters with the same plain one.</summary>
    private static Puzzle Contradictory(PuzzleBasis plain, SeededRandom rng)
    {
        var (basis, pair) = WithTrap(plain, rng, always: true);
        var (asked, other) = (pair[0], pair[1]);
        var cells = Pairs(basis.Cipher, rng).ToList();
        var place = cells.FindIndex(cell => cell.Coded == other);
        var (unseen, unclear) = (pair, "");
        if (rng.Chance(0.35))
        {
            // The plain letter of the other stands in the asked letter's pair as well: one of the two is wrong.
            cells[cells.FindIndex(cell => cell.Coded == asked)] = SheetCell.Pair(asked, basis.Cipher.Decode(other));
        }
        else if (rng.Chance(0.5) || basis.Message.Contains(basis.Cipher.Decode(other), StringComparison.Ordinal))
        {
            // Instead of the other's pair: the other coded letter is not there at all.
            cells[place] = SheetCell.Pair(asked, basis.Cipher.Decode(other));
        }
        else
        {
            // A 27th pair. The other's own pair is there too: is that one right?
            cells.Insert(rng.Next(cells.Count + 1), SheetCell.Pair(asked, basis.Cipher.Decode(other)));
            (unseen, unclear) = (asked.ToString(), other.ToString());
        }

        var picture = basis.Picture(scale => Sheet.Draw(cells, basis.Style, scale, rng), basis.Style, rng);
        return ToPuzzle(Stratum.Contradictory, basis, picture, unseen) with { Unclear = unclear };
    }

    private static Puzzle Reversed(PuzzleBasis plain, SeededRandom rng)
    {
        var basis = rng.Chance(0.5) ? TwoWays.Draw(plain, rng) : plain;
        var isHeaded = rng.Chance(0.3);
        // Now and then a heading says the usual order: it must be read, not seen.
        var isForward = isHeaded && rng.Chance(0.3);
        SheetCell[] cells = [.. Pairs(basis.Cipher, rng).Select(cell => isForward ? cell : SheetCell.Backward(cell.Coded, cell.Plain))];
        var style = isHeaded
            ? Headed(basis.Style, isForward, rng)
            : WithArrow(basis.Style, rng.Pick("←", "←", "←", " ← ", "<-", "<-", " <- ", "<=", " <= "));
        return ToPuzzle(Stratum.Reversed, basis, basis.Picture(scale => Sheet.Draw(cells, style, scale, rng), style, rng), "");
    }

    private static SheetStyle Headed(SheetStyle style, bool isForward, SeededRandom rng)
    {
        var arrow = rng.Pick("=", " = ", ":", ": ", "→", " → ");
        var (coded, plain) = (rng.Pick("code", "coded", "cipher", "secret"), rng.Pick("plain", "letter", "answer", "clear"));
        var heading = isForward ? coded + arrow + plain : plain + arrow + coded;
        var face = style.Face.Has(arrow) ? style : style with { Face = Fonts.Arrow };
        return WithArrow(face, arrow) with { Heading = rng.Chance(0.3) ? heading.ToUpperInvariant() : heading };
    }

    private static SheetStyle WithArrow(SheetStyle style, string arrow)
    {
        var fitting = style.Columns > 5 ? arrow.Trim() : arrow;
        return style with { Arrow = fitting, ArrowFace = Fonts.ArrowFor(style.Face, fitting) };
    }

    private static Puzzle Two(PuzzleBasis basis, SeededRandom rng)
    {
        var other = Cipher.Random(rng);
        var message = basis.Message.Where(char.IsAsciiLetterLower).Select(basis.Cipher.Encode).Distinct().ToArray();
        // Letters on which the sheets happen to agree are not asked for.
        while (message.Any(coded => other.Decode(coded) == basis.Cipher.Decode(coded))) other = Cipher.Random(rng);
        var isReadable = rng.Chance(0.5);
        var (isStacked, isFirst) = (rng.Chance(0.5), rng.Chance(0.5));
        var size = isReadable ? rng.Uniform(0.3f, 0.55f) : rng.Uniform(0.9f, 1);
        Sheet Both(float scale)
        {
            using var own = Sheet.Draw(basis.Cipher, basis.Style, scale, rng);
            using var theirs = Sheet.Draw(other, basis.Style, scale * size, rng);
            var gap = (int)(0.06f * own.Width);
            return isFirst ? Sheet.Together(own, theirs, isStacked, gap) : Sheet.Together(theirs, own, isStacked, gap);
        }

        var (width, height) = (basis.Style.Width, basis.Style.Height);
        var paper = isStacked
            ? basis.Style with { Height = (int)(height * (1.06f + size)) }
            : basis.Style with { Width = (int)(width * (1.06f + size)) };
        var picture = basis.Picture(Both, paper, rng);
        var agreed = string.Concat(Alphabet.Where(coded => other.Decode(coded) == basis.Cipher.Decode(coded)));
        if (!isReadable) return ToPuzzle(Stratum.Two, basis, picture, string.Concat(Alphabet.Except(agreed))) with { Unclear = agreed };
        // Only the letters of the large sheet are there to be read.
        var large = Enumerable.Range(isFirst ? 0 : Cipher.Letters, Cipher.Letters).ToArray();
        var mine = picture with { Labels = [.. large.Select(i => picture.Labels[i])], Boxes = [.. large.Select(i => picture.Boxes[i])] };
        return ToPuzzle(Stratum.Two, basis, mine, "");
    }

    /// <summary>The pairs in a random order.</summary>
    private static SheetCell[] Pairs(Cipher cipher, SeededRandom rng)
    {
        var coded = Alphabet.ToCharArray();
        rng.Shuffle(coded);
        return Array.ConvertAll(coded, letter => SheetCell.Pair(letter, cipher.Decode(letter)));
    }

    /// <summary>
    /// Mostly a message whose first word would be another word with another letter; then the two coded letters, first the one that the message has.
    /// </summary>
    private static (PuzzleBasis Basis, string Hidden) WithTrap(PuzzleBasis basis, SeededRandom rng, bool always = false)
    {
        if (!always && !rng.Chance(Trapped)) return (basis, "");
        if (TwinWord.Draw(rng, basis.Words) is not { } twin) return (basis, always ? Further("", 2, rng) : "");
        var message = string.Join(' ', [twin.Word, .. basis.Message.Split(' ').Skip(1)]);
        return (basis with { Message = message }, $"{basis.Cipher.Encode(twin.Letter)}{basis.Cipher.Encode(twin.Other)}");
    }

    /// <summary>Some letters and as many random ones as are missing to a count.</summary>
    private static string Further(string letters, int count, SeededRandom rng)
    {
        var others = Alphabet.Except(letters).ToArray();
        rng.Shuffle(others);
        return letters + new string(others, 0, Math.Max(0, count - letters.Length));
    }

    private static Puzzle ToPuzzle(Stratum stratum, PuzzleBasis basis, SheetPicture picture, string unseen)
    {
        var code = basis.Cipher.EncodeSpaced(basis.Message);
        bool IsUnseen(char plain) => plain != ' ' && unseen.Contains(basis.Cipher.Encode(plain), StringComparison.Ordinal);
        var answer = string.Concat(basis.Message.Select(plain => IsUnseen(plain) ? Message.Unseen : plain));
        // A pair that contradicts another is there to be read; one that is hidden is not.
        var labels = stratum is Stratum.Covered
            ? picture.Labels.Where(label => !unseen.Contains(label.Coded, StringComparison.Ordinal))
            : picture.Labels;
        return new Puzzle(answer, code, basis.Cipher, picture.Picture, [.. labels], basis.Kind, basis.Severity)
        {
            Stratum = stratum,
            Hidden = basis.Message,
            Unseen = string.Concat(unseen.Order()),
            Corners = stratum == Stratum.Empty ? null : picture.Corners,
        };
    }
}

/// <summary>A word that would be another word if one of its letters were another one throughout.</summary>
/// <param name="Word">The word.</param>
/// <param name="Letter">The letter.</param>
/// <param name="Other">What it would be.</param>
internal readonly record struct TwinWord(string Word, char Letter, char Other)
{
    private const int Tries = 200;

    /// <summary>One of the words that have a twin; null when none was found.</summary>
    public static TwinWord? Draw(SeededRandom rng, IReadOnlyList<string> words)
    {
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var word = words[rng.Next(words.Count)];
            var letter = word[rng.Next(word.Length)];
            var first = rng.Next(26);
            for (var i = 0; i < 26; i++)
            {
                var other = (char)('a' + ((first + i) % 26));
                if (!word.Contains(other, StringComparison.Ordinal) && WordList.Contains(word.Replace(letter, other))) return new TwinWord(word, letter, other);
            }
        }

        return null;
    }
}

/// <summary>Messages whose code is a word in the wrong direction too: where the pairs are read from the wrong side, another word comes out.</summary>
internal static class TwoWays
{
    private const int Tries = 200, Longest = 6;

    /// <summary>The basis with such a message and an alphabet for it; unchanged when none was found.</summary>
    public static PuzzleBasis Draw(PuzzleBasis basis, SeededRandom rng)
    {
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var (right, wrong) = (basis.Words[rng.Next(basis.Words.Count)], basis.Words[rng.Next(basis.Words.Count)]);
            if (right == wrong || right.Length > Longest || !Pattern(right).SequenceEqual(Pattern(wrong))) continue;
            return basis with { Message = right, Cipher = CipherOf(right, wrong, rng) };
        }

        return basis;
    }

    private static IEnumerable<int> Pattern(string word) => word.Select(letter => word.IndexOf(letter, StringComparison.Ordinal));

    /// <summary>An alphabet that codes the right word as some letters, and those letters as the wrong word.</summary>
    private static Cipher CipherOf(string right, string wrong, SeededRandom rng)
    {
        var letters = Enumerable.Range('a', 26).Select(letter => (char)letter).ToArray();
        rng.Shuffle(letters);
        var between = letters.Except(right).Except(wrong).ToArray();
        var coded = new Dictionary<char, char>();
        foreach (var (letter, i) in right.Distinct().Select((letter, i) => (letter, i))) coded[letter] = between[i];
        foreach (var (letter, i) in wrong.Distinct().Select((letter, i) => (letter, i))) coded[between[i]] = letter;
        var free = new Queue<char>(letters.Except(coded.Values));
        return new Cipher(string.Concat(Enumerable.Range('a', 26).Select(letter => coded.TryGetValue((char)letter, out var code) ? code : free.Dequeue())));
    }
}

using System.Globalization;
using System.Text;

namespace Vlm.Text;

/// <summary>Unicode normalisation form C.</summary>
/// <remarks>
/// .NET's own leaves a text as it is, without an error, under invariant globalization; tokenizers ask for form C, and a decomposed letter has other tokens than
/// a composed one.
/// Rules: Unicode Standard Annex 15; data: nfc.txt beside this file.
/// </remarks>
internal static class Nfc
{
    // Hangul syllables are composed by arithmetic: 19 leading, 21 middle and 28 (with none) trailing letters.
    private const int Syllables = 0xAC00, Leading = 0x1100, Middle = 0x1161, Trailing = 0x11A7, LeadingCount = 19, MiddleCount = 21, TrailingCount = 28;

    private static readonly Lazy<Tables> Data = new(Tables.Load);

    /// <summary>The text in form C; the same object when every character is below U+0300, where nothing changes.</summary>
    public static string Normalize(string text)
    {
        // U+0300 is the first combining mark, and no lower character has a composed equivalent of its own.
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', '\u02FF') < 0)
            return text;
        var points = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            Decompose(rune.Value, points);
        SortMarks(points);
        Compose(points);
        var result = new StringBuilder(points.Count);
        foreach (int point in points)
            result.Append(new Rune(point).ToString());
        return result.ToString();
    }

    private static void Decompose(int point, List<int> result)
    {
        int syllable = point - Syllables;
        if (syllable is >= 0 and < LeadingCount * MiddleCount * TrailingCount)
        {
            result.Add(Leading + syllable / (MiddleCount * TrailingCount));
            result.Add(Middle + syllable / TrailingCount % MiddleCount);
            if (syllable % TrailingCount != 0)
                result.Add(Trailing + syllable % TrailingCount);
        }
        else if (Data.Value.Parts.TryGetValue(point, out (int First, int Second) parts))
        {
            Decompose(parts.First, result);
            if (parts.Second != 0)
                Decompose(parts.Second, result);
        }
        else
        {
            result.Add(point);
        }
    }

    /// <summary>Puts each run of combining marks into ascending class, keeping the order of equal ones.</summary>
    private static void SortMarks(List<int> points)
    {
        for (int i = 1; i < points.Count; i++)
        {
            int point = points[i];
            int mark = Data.Value.Class(point);
            int at = i;
            for (; mark != 0 && at > 0 && Data.Value.Class(points[at - 1]) > mark; at--)
                points[at] = points[at - 1];
            points[at] = point;
        }
    }

    private static void Compose(List<int> points)
    {
        int starter = -1;
        int kept = 0;
        int lastMark = 0;
        for (int i = 0; i < points.Count; i++)
        {
            int point = points[i];
            int mark = Data.Value.Class(point);
            // A mark is blocked from its starter by another of the same or a higher class, a starter by anything between.
            bool reaches = starter >= 0 && (kept == starter + 1 || (lastMark < mark && lastMark != 0));
            if (reaches && Pair(points[starter], point) is int composed)
            {
                points[starter] = composed;
                continue;
            }
            if (mark == 0)
                starter = kept;
            lastMark = mark;
            points[kept++] = point;
        }
        points.RemoveRange(kept, points.Count - kept);
    }

    private static int? Pair(int first, int second)
    {
        if (first - Leading is >= 0 and < LeadingCount && second - Middle is >= 0 and < MiddleCount)
            return Syllables + ((first - Leading) * MiddleCount + (second - Middle)) * TrailingCount;
        int syllable = first - Syllables;
        if (syllable is >= 0 and < LeadingCount * MiddleCount * TrailingCount && syllable % TrailingCount == 0 && second - Trailing is > 0 and < TrailingCount)
            return first + (second - Trailing);
        return Data.Value.Pairs.TryGetValue((first, second), out int composed) ? composed : null;
    }

    private sealed class Tables
    {
        private readonly Dictionary<int, byte> _classes = [];

        /// <summary>What a character decomposes into, one level; the second is 0 where there is only one.</summary>
        public Dictionary<int, (int First, int Second)> Parts { get; } = [];

        /// <summary>What two characters compose to.</summary>
        public Dictionary<(int First, int Second), int> Pairs { get; } = [];

        public static Tables Load()
        {
            var tables = new Tables();
            using var reader = new StreamReader(typeof(Nfc).Assembly.GetManifestResourceStream("nfc.txt")!);
            while (reader.ReadLine() is { } line)
            {
                if (line.StartsWith('#'))
                    continue;
                if (line.Contains(':', StringComparison.Ordinal))
                    tables.AddClass(line);
                else
                    tables.AddParts(line);
            }
            return tables;
        }

        /// <summary>The combining class; 0 for a starter.</summary>
        public int Class(int point) => point < 0x300 ? 0 : _classes.GetValueOrDefault(point);

        private void AddClass(string line)
        {
            int dots = line.IndexOf("..", StringComparison.Ordinal);
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            int last = Hex(line.AsSpan(dots + 2, colon - dots - 2));
            for (int point = Hex(line.AsSpan(0, dots)); point <= last; point++)
                _classes[point] = byte.Parse(line.AsSpan(colon + 1), CultureInfo.InvariantCulture);
        }

        private void AddParts(string line)
        {
            int sign = line.AsSpan().IndexOfAny('=', '>');
            int point = Hex(line.AsSpan(0, sign));
            int[] parts = [.. line[(sign + 1)..].Split(' ').Select(part => Hex(part))];
            Parts[point] = (parts[0], parts.Length > 1 ? parts[1] : 0);
            if (line[sign] == '=')
                Pairs[(parts[0], parts[1])] = point;
        }

        private static int Hex(ReadOnlySpan<char> text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }
}

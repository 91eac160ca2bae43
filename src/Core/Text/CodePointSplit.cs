using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Vlm.Text;

/// <summary>Cuts a text into the pieces that are merged separately, by a regular expression written for code points.</summary>
/// <remarks>
/// .NET matches UTF-16 units, so a letter or digit beyond U+FFFF would be neither. The expression is therefore matched over a copy with one unit per
/// code point, in which such a character is replaced by one of the same kind, and the places found are carried back.
/// </remarks>
internal sealed class CodePointSplit(Regex regex) : PreTokenizer
{
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => PreTokenize(text.AsSpan());

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyInRange('\uD800', '\uDFFF'))
            return Pieces(text, null);
        Span<char> stand = text.Length <= 512 ? stackalloc char[text.Length] : new char[text.Length];
        var places = new int[text.Length + 1];
        int count = 0;
        for (int i = 0; i < text.Length; count++)
        {
            bool pair = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            places[count] = i;
            stand[count] = pair ? StandIn(char.ConvertToUtf32(text[i], text[i + 1])) : text[i];
            i += pair ? 2 : 1;
        }
        places[count] = text.Length;
        return Pieces(stand[..count], places);
    }

    /// <summary>Every match, and whatever lies between two.</summary>
    private List<(int Offset, int Length)> Pieces(ReadOnlySpan<char> text, int[]? places)
    {
        var pieces = new List<(int Offset, int Length)>();
        int end = 0;
        foreach (ValueMatch match in regex.EnumerateMatches(text))
        {
            Add(end, match.Index);
            Add(match.Index, match.Index + match.Length);
            end = match.Index + match.Length;
        }
        Add(end, text.Length);
        return pieces;

        void Add(int from, int to)
        {
            int first = places is null ? from : places[from];
            int last = places is null ? to : places[to];
            if (last > first)
                pieces.Add((first, last - first));
        }
    }

    /// <summary>A character of the same kind within U+FFFF that no expression names by itself and that has no case.</summary>
    private static char StandIn(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => '\u05D0',
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => '\u0660',
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => '\u0591',
        UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol or UnicodeCategory.OtherSymbol => '\u2603',
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => '\uE000',
        _ => '\u203D',
    };
}

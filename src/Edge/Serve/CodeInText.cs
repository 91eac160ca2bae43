using Vlm.Cryptogram;

namespace Vlm.Edge.Serve;

/// <summary>
/// Finds the coded message in what somebody wrote: the last run of two or more pieces that are one letter or <c>_</c> each; a single symbol counts only at
/// the very end, so that the words "a" and "I" of a sentence are no code. Quotes and punctuation around a piece do not matter.
/// </summary>
internal static class CodeInText
{
    private const int LongestBare = 8;
    private static readonly char[] Around = [.. "\"'`“”‘’«».,:;!?()[]{}<>*"];

    /// <summary>The code as it stands there, spaced; null when there is none.</summary>
    public static string? Find(string text)
    {
        var pieces = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(Bare).ToArray();
        var end = pieces.Length;
        while (end > 0)
        {
            var start = end;
            while (start > 0 && IsSymbol(pieces[start - 1])) start--;
            if (end - start > 1 || (end - start == 1 && end == pieces.Length)) return string.Join(' ', pieces[start..end]);
            end = Math.Min(start, end - 1);
        }
        return null;
    }

    private static string Bare(string piece) => piece.Length > LongestBare ? piece : piece.Trim(Around);

    private static bool IsSymbol(string piece) => piece is [var symbol] && (char.IsAsciiLetter(symbol) || symbol == Message.Gap);
}

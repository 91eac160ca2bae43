namespace Vlm.Cryptogram;

/// <summary>
/// Finds the coded message in what somebody wrote. The rule: the text is cut at white space, and quotes and punctuation around each piece are dropped;
/// a run is a sequence of pieces that are one letter or <c>_</c> each. The code is the last run of two symbols or more. A single symbol counts only
/// when it is the last piece of the text ("… message: q"), so that the words "a" and "I" of a sentence are not taken for a code.
/// </summary>
public static class CodeInText
{
    private const int LongestBare = 8;
    private static readonly char[] Around = [.. "\"'`“”‘’«».,:;!?()[]{}<>*"];

    /// <summary>The code as it stands there, spaced, for <see cref="Code.Parse"/>; null when there is none.</summary>
    public static string? Find(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
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

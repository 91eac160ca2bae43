using Vlm.Cryptogram;
using Vlm.Escalation.Errors;

namespace Vlm.Escalation.Chat;

/// <summary>
/// Finds the coded message in what somebody wrote. The rule: the text is cut at white space, and quotes and punctuation around each piece are dropped;
/// a run is a sequence of pieces that are one letter or <c>_</c> each. The code is the last run of two symbols or more. A single symbol counts only
/// when it is the last piece of the text ("… message: q"), so that the words "a" and "I" of a sentence are not taken for a code.
/// </summary>
internal static class CodeInText
{
    private const string Around = "\"'`“”‘’«».,:;!?()[]{}<>*";

    /// <summary>The code in its normal form.</summary>
    /// <exception cref="ApiException">There is none, or it is not one that the model takes.</exception>
    public static string Find(string text)
    {
        var pieces = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var (start, end) = LastRun(pieces);
        if (end == start)
        {
            throw new ApiException(ErrorReason.InvalidRequest,
                "The text has no coded message: expected single letters separated by spaces, with _ between words, like 'q x _ a y f', at its end.", "messages");
        }
        try
        {
            return Code.Parse(string.Join(' ', pieces[start..end].Select(Bare)));
        }
        catch (CodeException e)
        {
            throw new ApiException(ErrorReason.InvalidRequest, $"The coded message cannot be used: {e.Message}.", "messages");
        }
    }

    private static (int Start, int End) LastRun(string[] pieces)
    {
        for (var end = pieces.Length; end > 0; end--)
        {
            if (!IsSymbol(pieces[end - 1])) continue;
            var start = end - 1;
            while (start > 0 && IsSymbol(pieces[start - 1])) start--;
            if (end - start > 1 || end == pieces.Length) return (start, end);
            end = start + 1;
        }
        return (0, 0);
    }

    private static bool IsSymbol(string piece) => Bare(piece) is [var symbol] && (char.IsAsciiLetter(symbol) || symbol == Message.Gap);

    private static string Bare(string piece) => piece.Length > 8 ? piece : piece.Trim(Around.ToCharArray());
}

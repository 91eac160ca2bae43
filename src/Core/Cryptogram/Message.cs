using System.Text;

namespace Vlm.Cryptogram;

/// <summary>What a picture lets one say about a code.</summary>
public enum AnswerStatus
{
    /// <summary>Every letter of the message.</summary>
    Answered,

    /// <summary>That it does not show some letters of the message.</summary>
    Unreadable,

    /// <summary>That it shows no letter of any message.</summary>
    NoDecoder,
}

/// <summary>
/// A plain message: lower-case words joined by single spaces, and its spaced form, in which every letter stands alone
/// (<c>cat dog</c> is <c>c a t _ d o g</c>). Letters are spaced because unspaced cipher text is cut into arbitrary tokens.
/// </summary>
public static class Message
{
    /// <summary>The symbol that stands for a space between words in the spaced form. It is never in the picture.</summary>
    public const char Gap = '_';

    /// <summary>The symbol that stands for a letter that the picture does not show: <c>ca? dog</c>.</summary>
    public const char Unseen = '?';

    /// <summary>The letters of a code that an answer to it does not give, each once, in the order of the code.</summary>
    /// <param name="code">The spaced code.</param>
    /// <param name="answer">An answer of as many letters and spaces, or of fewer.</param>
    public static IReadOnlyList<char> UnseenOf(string code, string answer) =>
        [.. FromSpaced(code).Zip(answer).Where(pair => pair.Second == Unseen).Select(pair => pair.First).Distinct()];

    /// <summary>The spaced form of a message.</summary>
    /// <param name="text">Letters and single spaces.</param>
    public static string Spaced(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var spaced = new StringBuilder(text.Length * 2);
        foreach (var letter in text)
        {
            if (spaced.Length > 0) spaced.Append(' ');
            spaced.Append(letter == ' ' ? Gap : letter);
        }

        return spaced.ToString();
    }

    /// <summary>The message of a spaced form: the inverse of <see cref="Spaced"/>.</summary>
    /// <param name="spaced">Symbols joined by single spaces.</param>
    public static string FromSpaced(string spaced)
    {
        ArgumentNullException.ThrowIfNull(spaced);
        return spaced.Replace(" ", "", StringComparison.Ordinal).Replace(Gap, ' ');
    }
}

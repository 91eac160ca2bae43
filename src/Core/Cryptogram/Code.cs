namespace Vlm.Cryptogram;

/// <summary>Why a text is not a coded message.</summary>
public enum CodeProblem
{
    /// <summary>No letters at all.</summary>
    Empty,

    /// <summary>Letters that are not separated by spaces.</summary>
    Unspaced,

    /// <summary>A symbol that is neither a letter a-z nor <c>_</c>.</summary>
    NotALetter,

    /// <summary>An underscore at the start, at the end, or next to another one.</summary>
    EmptyWord,

    /// <summary>More symbols than <see cref="Code.MaxSymbols"/>.</summary>
    TooLong,
}

/// <summary>A text is not a coded message. The message is for the person who sent it.</summary>
public sealed class CodeException : UserException
{
    /// <summary>An error with its reason.</summary>
    public CodeException(CodeProblem problem, string message)
        : base(message) => Problem = problem;

    /// <summary>The reason.</summary>
    public CodeProblem Problem { get; }
}

/// <summary>The coded message as people type it.</summary>
public static class Code
{
    /// <summary>Longest code: with its reply it must fit a small model's context.</summary>
    public const int MaxSymbols = 96;

    private const int ShownCharacters = 40;

    /// <summary>
    /// The code in its one normal form, <c>q x _ a y f</c>: lower case, symbols joined by single spaces. Accepts upper case and any white space
    /// between symbols.
    /// </summary>
    /// <exception cref="CodeException">The text is not a coded message; the message says what to do.</exception>
    public static string Parse(string? text)
    {
        var symbols = (text ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (symbols.Length == 0)
            throw new CodeException(CodeProblem.Empty, "the code is empty: expected letters separated by spaces, with _ between words, like 'q x _ a y f'");
        if (symbols.Length > MaxSymbols)
            throw new CodeException(CodeProblem.TooLong, $"the code has {symbols.Length} symbols: expected at most {MaxSymbols}; send it in parts");
        foreach (var symbol in symbols) CheckSymbol(symbol);
        CheckWords(symbols);
        return string.Join(' ', symbols).ToLowerInvariant();
    }

    private static void CheckSymbol(string symbol)
    {
        foreach (var character in symbol)
        {
            if (!char.IsAsciiLetter(character) && character != Message.Gap)
                throw new CodeException(CodeProblem.NotALetter, $"the code contains {Shown(character)}: expected only letters a-z, and _ between words");
        }

        if (symbol.Length == 1) return;
        var shown = symbol.Length <= ShownCharacters ? symbol : symbol[..ShownCharacters] + "…";
        throw new CodeException(
            CodeProblem.Unspaced, $"the code contains '{shown}': expected single letters; put a space between them, like 'q x _ a y f'");
    }

    private static void CheckWords(string[] symbols)
    {
        for (var i = 0; i < symbols.Length; i++)
        {
            if (symbols[i][0] == Message.Gap && (i == 0 || i == symbols.Length - 1 || symbols[i - 1][0] == Message.Gap))
                throw new CodeException(CodeProblem.EmptyWord, $"the code has an empty word at symbol {i + 1}: expected letters before and after every _");
        }
    }

    private static string Shown(char character) =>
        char.IsControl(character) || char.IsSurrogate(character) ? $"the character U+{(int)character:X4}" : $"'{character}'";
}

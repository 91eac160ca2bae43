using Vlm.Cryptogram;

namespace Vlm.Edge.Queries;

/// <summary>What a person may say that a picture says. Pure.</summary>
internal static class Reviewing
{
    /// <summary>What is expected, for messages.</summary>
    public static readonly string Expected = $"write what the picture says: letters, spaces, and ? for letters that it does not show; at most {Longest}";

    private const int Longest = 200;

    /// <summary>Its normal form; null when it is not what is expected.</summary>
    public static string? Read(string? given)
    {
        var text = given?.Trim().ToLowerInvariant() ?? "";
        return text.Length is > 0 and <= Longest && text.All(letter => char.IsAsciiLetterLower(letter) || letter is ' ' or Message.Unseen) ? text : null;
    }
}

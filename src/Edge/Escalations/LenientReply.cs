using System.Text.Json;
using System.Text.RegularExpressions;
using Vlm.Cryptogram;

namespace Vlm.Edge.Escalations;

/// <summary>
/// The answer in a reply of a model that was not trained for our form: between tags, in JSON, in a fence, in bold, or as the last line, with capitals,
/// quotes, a label before it or a full stop after it. Pure; whether the answer can be right is for the verifiers.
/// </summary>
internal static partial class LenientReply
{
    private const int LongestLine = 400;
    private static readonly char[] Around = [.. " \t\"'`“”‘’«».,;:!*_~#>"];

    /// <summary>What may be the answer, in lower case, the likeliest first.</summary>
    public static IEnumerable<string> Candidates(string content)
    {
        var said = WithoutThinking(content);
        string?[] all = [ReplyParser.Section(content, ReplyText.Answer) is { } tagged ? Plain(tagged) : null, FromJson(said), LastLine(said), OnlyBold(said)];
        return all.OfType<string>();
    }

    private static string WithoutThinking(string content)
    {
        var end = content.LastIndexOf(ReplyText.Think.Close, StringComparison.Ordinal);
        return end < 0 ? content : content[(end + ReplyText.Think.Close.Length)..];
    }

    /// <summary>The member <c>answer</c> of the last JSON object, whatever stands around it.</summary>
    private static string? FromJson(string said)
    {
        var (start, end) = (said.LastIndexOf('{'), said.LastIndexOf('}'));
        if (start < 0 || end < start) return null;
        try
        {
            return JsonSerializer.Deserialize(said[start..(end + 1)], ChatJson.Default.DecodedMessage)?.Answer is { } answer ? Plain(answer) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? LastLine(string said) => said.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .LastOrDefault(line => !line.StartsWith("```", StringComparison.Ordinal)) is { Length: <= LongestLine } line ? Plain(line) : null;

    /// <summary>"The message is **cat dog**, I think.": where one thing is marked, that is meant.</summary>
    private static string? OnlyBold(string said) => Bold().Matches(said) is [var only] ? Plain(only.Groups[1].Value) : null;

    /// <summary>Words in lower case; spaced letters joined; null when something else is left.</summary>
    private static string? Plain(string text)
    {
        var bare = text.Replace("*", "", StringComparison.Ordinal).Trim(Around);
        if (bare.LastIndexOf(':') is >= 0 and var label) bare = bare[(label + 1)..].Trim(Around);
        bare = Spaces().Replace(bare.ToLowerInvariant(), " ");
        if (bare.Length > 2 && bare.Index().All(each => each.Item == ' ' == (each.Index % 2 == 1))) bare = Message.FromSpaced(bare);
        return bare.Length > 0 && bare.All(letter => char.IsAsciiLetterLower(letter) || letter is ' ' or Message.Unseen) ? bare : null;
    }

    [GeneratedRegex(@"\*\*([^*\n]{1,200})\*\*")]
    private static partial Regex Bold();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}

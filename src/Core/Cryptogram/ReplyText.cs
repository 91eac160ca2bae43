using System.Text;

namespace Vlm.Cryptogram;

/// <summary>A part of a reply that stands between a pair of tags.</summary>
/// <param name="Name">The tags' name: <c>answer</c> for <c>&lt;answer&gt;…&lt;/answer&gt;</c>.</param>
public sealed record ReplySection(string Name)
{
    /// <summary>The tag before it.</summary>
    public string Open { get; } = $"<{Name}>";

    /// <summary>The tag after it.</summary>
    public string Close { get; } = $"</{Name}>";
}

/// <summary>
/// The reply a small model is taught to give after the prompt's <c>&lt;think&gt;\n</c>: one mapping line per symbol of the code,
/// the decoded letters, the answer. The mapping lines are what makes the look-up learnable: the plain letter is said right after
/// the coded one.
/// </summary>
public static class ReplyText
{
    /// <summary>The arrow between a coded and a plain letter, in replies and in most pictures.</summary>
    public const char Arrow = '→';

    /// <summary>The reasoning; the prompt opens it.</summary>
    public static ReplySection Think { get; } = new("think");

    /// <summary>The decoded letters, at the end of the reasoning.</summary>
    public static ReplySection Chars { get; } = new("chars");

    /// <summary>The message.</summary>
    public static ReplySection Answer { get; } = new("answer");

    /// <summary>The mapping lines alone: <c>" q→ c\n"</c> per symbol, <c>" _→ _\n"</c> between words.</summary>
    /// <param name="code">The spaced code.</param>
    /// <param name="spacedAnswer">The spaced answer, as many symbols as the code.</param>
    public static string MappingLines(string code, string spacedAnswer)
    {
        ArgumentNullException.ThrowIfNull(code);
        ArgumentNullException.ThrowIfNull(spacedAnswer);
        if (code.Length != spacedAnswer.Length)
            throw new ArgumentException($"expected as many symbols as the code '{code}' has, found '{spacedAnswer}'", nameof(spacedAnswer));
        var lines = new StringBuilder();
        for (var i = 0; i < code.Length; i += 2)
            lines.Append(' ').Append(code[i]).Append(Arrow).Append(' ').Append(spacedAnswer[i]).Append('\n');
        return lines.ToString();
    }

    /// <summary>What follows the mapping lines: the decoded letters, the end of the thinking, the answer.</summary>
    public static string Ending(string answer) => $"{Chars.Open} {Message.Spaced(answer)}{Chars.Close}\n{Think.Close}\n{Answer.Open}{answer}{Answer.Close}";
}

using System.Text;
using Vlm.Puzzles;

namespace Vlm.Cryptogram;

/// <summary>
/// The reply a small model is taught to give after the prompt's <c>&lt;think&gt;\n</c>: one mapping line per symbol of the code,
/// the decoded letters, the answer. The mapping lines are what makes the look-up learnable: the plain letter is said right after
/// the coded one.
/// </summary>
public static class ReplyText
{
    /// <summary>The arrow between a coded and a plain letter, in replies and in most pictures.</summary>
    public const char Arrow = '→';

    /// <summary>The expected reply to a puzzle, without the stop token.</summary>
    public static string For(Puzzle puzzle)
    {
        ArgumentNullException.ThrowIfNull(puzzle);
        return MappingLines(puzzle.Code, Message.Spaced(puzzle.Answer)) + Ending(puzzle.Answer);
    }

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
    public static string Ending(string answer) => $"<chars> {Message.Spaced(answer)}</chars>\n</think>\n<answer>{answer}</answer>";
}

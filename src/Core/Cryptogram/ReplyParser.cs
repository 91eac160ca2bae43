namespace Vlm.Cryptogram;

/// <summary>
/// The strict parser of replies. Expected after the <c>&lt;think&gt;</c> that the prompt ends with:
/// thinking with one <c>&lt;chars&gt;…&lt;/chars&gt;</c> inside, <c>&lt;/think&gt;</c>, one newline, <c>&lt;answer&gt;…&lt;/answer&gt;</c>, nothing more.
/// </summary>
/// <remarks>
/// Stricter than the reference's expression, which accepts doubled sections, empty ones and a trailing newline: with those, the section
/// that is graded can differ from the one that a reader takes for the answer.
/// </remarks>
public static class ReplyParser
{
    // In the order in which they must occur after the opening of the reasoning.
    private static readonly string[] Tags =
        [ReplyText.Chars.Open, ReplyText.Chars.Close, ReplyText.Think.Close, ReplyText.Answer.Open, ReplyText.Answer.Close];

    /// <summary>Parses what a model wrote after the prompt's <c>&lt;think&gt;</c>. Never throws.</summary>
    /// <param name="completion">The generated text without stop tokens; null counts as empty.</param>
    public static ReplyResult Parse(string? completion)
    {
        if (string.IsNullOrWhiteSpace(completion)) return Failure(ReplyFailure.Empty, "expected a reply, found nothing");
        if (completion.Contains(ReplyText.Think.Open, StringComparison.Ordinal))
            return Failure(ReplyFailure.DuplicateTag, "expected the one <think> that the prompt ends with, found another");
        var at = new int[Tags.Length];
        for (var i = 0; i < Tags.Length; i++)
        {
            at[i] = completion.IndexOf(Tags[i], StringComparison.Ordinal);
            if (at[i] >= 0 && completion.IndexOf(Tags[i], at[i] + 1, StringComparison.Ordinal) >= 0)
                return Failure(ReplyFailure.DuplicateTag, $"expected one {Tags[i]}, found several");
        }

        var missing = Array.FindIndex(at, position => position < 0);
        if (missing >= 0) return Failure(ReplyFailure.MissingTag, $"expected {Tags[missing]}, found none: the reply was cut or leaves a section out");
        for (var i = 1; i < at.Length; i++)
        {
            if (at[i] < at[i - 1]) return Failure(ReplyFailure.TagOutOfOrder, $"expected {Tags[i]} after {Tags[i - 1]}, found it before");
        }

        return Sections(completion, at);
    }

    /// <summary>Parses a whole reply that starts with <c>&lt;think&gt;</c> itself, as other programs return it. Never throws.</summary>
    public static ReplyResult ParseWhole(string? reply)
    {
        if (string.IsNullOrWhiteSpace(reply)) return Failure(ReplyFailure.Empty, "expected a reply, found nothing");
        return reply.StartsWith(ReplyText.Think.Open, StringComparison.Ordinal)
            ? Parse(reply[ReplyText.Think.Open.Length..])
            : Failure(ReplyFailure.MissingTag, "expected the reply to start with <think>");
    }

    /// <summary>
    /// The trimmed text between a pair of tags that occurs exactly once, whatever stands around it; null if there is no such pair.
    /// For scores that give partial credit to replies that are not well-formed.
    /// </summary>
    /// <param name="completion">A reply.</param>
    /// <param name="section">Which.</param>
    public static string? Section(string? completion, ReplySection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        var pieces = (completion ?? "").Split(section.Open);
        if (pieces.Length != 2 || pieces[0].Contains(section.Close, StringComparison.Ordinal)) return null;
        var inside = pieces[1].Split(section.Close);
        return inside.Length == 2 ? inside[0].Trim() : null;
    }

    private static ReplyResult Sections(string completion, int[] at)
    {
        string Between(int first, int second) => completion[(at[first] + Tags[first].Length)..at[second]];
        var (chars, gap, answer) = (Between(0, 1).Trim(), Between(2, 3), Between(3, 4).Trim());
        var rest = completion[(at[4] + Tags[4].Length)..];
        if (gap != "\n") return Failure(ReplyFailure.TextBetweenSections, $"expected one newline between </think> and <answer>, found {gap.Length} characters");
        if (rest.Length > 0) return Failure(ReplyFailure.TextAfterAnswer, $"expected nothing after </answer>, found {rest.Length} characters");
        if (chars.Length == 0) return Failure(ReplyFailure.EmptyChars, "expected the decoded letters inside <chars>, found nothing");
        if (answer.Length == 0) return Failure(ReplyFailure.EmptyAnswer, "expected the message inside <answer>, found nothing");
        return new ReplyResult.Reply(Lines(completion[..at[0]]), chars, answer);
    }

    private static List<MappingLine> Lines(string thinking)
    {
        var lines = new List<MappingLine>();
        foreach (var line in thinking.AsSpan().EnumerateLines())
        {
            if (Line(line.Trim()) is { } mapping) lines.Add(mapping);
        }

        return lines;
    }

    /// <summary>
    /// <c>q→ c</c>, <c>q → c</c>, <c>q -> c</c>, <c>q = c</c> or <c>q: c</c>, with <c>?</c> for an unseen plain letter; anything else is free text.
    /// </summary>
    private static MappingLine? Line(ReadOnlySpan<char> line)
    {
        if (line.Length < 3 || !IsSymbol(line[0]) || !(IsSymbol(line[^1]) || line[^1] == Message.Unseen)) return null;
        return line[1..^1].Trim() is "→" or "->" or "=>" or "=" or ":" ? new MappingLine(line[0], line[^1]) : null;
    }

    private static bool IsSymbol(char character) => char.IsAsciiLetter(character) || character == '_';

    private static ReplyResult.ParseFailure Failure(ReplyFailure reason, string detail) => new(reason, detail);
}

/// <summary>What a model's reply turned out to be: a well-formed reply, or the reason why not.</summary>
public abstract record ReplyResult
{
    private ReplyResult()
    {
    }

    /// <summary>A reply with exactly one of each section.</summary>
    /// <param name="Lines">The mapping lines of the thinking, in order; empty if the model wrote none.</param>
    /// <param name="Chars">The decoded letters as written, trimmed, not empty: <c>c a t _ d o g</c>.</param>
    /// <param name="Answer">The answer as written, trimmed, not empty.</param>
    public sealed record Reply(IReadOnlyList<MappingLine> Lines, string Chars, string Answer) : ReplyResult;

    /// <summary>Not a well-formed reply.</summary>
    /// <param name="Reason">Which rule is broken first.</param>
    /// <param name="Detail">The same for people: what was expected and what was found.</param>
    public sealed record ParseFailure(ReplyFailure Reason, string Detail) : ReplyResult;
}

/// <summary>One line of the thinking that says which letter a coded letter stands for.</summary>
/// <param name="Coded">a-z in the case in which it was written, or <c>_</c>.</param>
/// <param name="Plain">a-z in the case in which it was written, <c>_</c>, or <c>?</c> for a letter that was not seen.</param>
public readonly record struct MappingLine(char Coded, char Plain);

/// <summary>Why a text is not a well-formed reply.</summary>
public enum ReplyFailure
{
    /// <summary>There is no text.</summary>
    Empty,

    /// <summary>A tag occurs more than once, or a second thinking section is opened.</summary>
    DuplicateTag,

    /// <summary>A tag is missing: the reply was cut, or the model left a section out.</summary>
    MissingTag,

    /// <summary>All tags are there, but not as thinking with the letters inside, then the answer.</summary>
    TagOutOfOrder,

    /// <summary>Something other than one newline stands between the thinking and the answer.</summary>
    TextBetweenSections,

    /// <summary>Something follows the answer.</summary>
    TextAfterAnswer,

    /// <summary>The decoded letters are blank.</summary>
    EmptyChars,

    /// <summary>The answer is blank.</summary>
    EmptyAnswer,
}

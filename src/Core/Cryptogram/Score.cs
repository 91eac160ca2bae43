namespace Vlm.Cryptogram;

/// <summary>The four rewards of one reply, each from 0 to 1.</summary>
/// <param name="Chars">How close the decoded letters are to the right ones; 0 if they are closer to the code.</param>
/// <param name="Correctness">1 if the answer is right and the letters are, else 0.</param>
/// <param name="Format">1 if the reply is well-formed, else 0.</param>
/// <param name="SoftCorrectness">How close the answer is, if the letters are right.</param>
public readonly record struct Rewards(double Chars, double Correctness, double Format, double SoftCorrectness)
{
    /// <summary>Sum with equal weights, 0 to 4.</summary>
    public double Total => Chars + Correctness + Format + SoftCorrectness;
}

/// <summary>
/// Scores replies, for rewards and for evaluation; pure. The rewards are the reference's (words and sequences), except that a section counts
/// only if it occurs exactly once and the format is checked by <see cref="ReplyParser"/>.
/// </summary>
public static class Score
{
    /// <summary>The rewards of a reply.</summary>
    /// <param name="completion">What the model wrote after the prompt's <c>&lt;think&gt;</c>, without stop tokens.</param>
    /// <param name="answer">What the picture lets one answer: lower-case words joined by single spaces, <c>?</c> for each letter that it does not show.</param>
    /// <param name="code">The spaced code.</param>
    public static Rewards Of(string? completion, string answer, string code)
    {
        var chars = Chars(ReplyParser.Section(completion, ReplyText.Chars), answer, code);
        var given = ReplyParser.Section(completion, ReplyText.Answer);
        return new Rewards(
            chars,
            chars == 1 && given == answer ? 1 : 0,
            ReplyParser.Parse(completion) is ReplyResult.Reply ? 1 : 0,
            chars == 1 ? SoftCorrectness(given, answer) : 0);
    }

    /// <summary>What evaluation counts: the one answer section, trimmed, equals the message; letters and format are not asked for.</summary>
    public static bool IsExact(string? completion, string answer) => ReplyParser.Section(completion, ReplyText.Answer) == answer;

    /// <summary>Number of insertions, deletions and substitutions that turn one text into the other.</summary>
    public static int Distance(string left, string right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var row = new int[right.Length + 1];
        for (var j = 0; j < row.Length; j++) row[j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j < row.Length; j++)
            {
                var substituted = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(diagonal, row[j - 1]) + 1);
            }
        }

        return row[^1];
    }

    private static double Chars(string? given, string answer, string code)
    {
        if (given is null) return 0;
        var right = Message.Spaced(answer);
        var distance = Distance(given, right);
        // Copying the code would score for every space and underscore: nothing for what is closer to the code than to the message.
        return Distance(given, code) < distance ? 0 : Similarity(distance, given, right);
    }

    private static double SoftCorrectness(string? given, string answer)
    {
        if (string.IsNullOrEmpty(given) || !given.All(letter => char.IsAsciiLetterLower(letter) || letter is ' ' or Message.Unseen)) return 0;
        var distance = Distance(given, answer);
        // Must beat pasting the spaced letters.
        return distance < Distance(Message.Spaced(answer), answer) ? Similarity(distance, given, answer) : 0;
    }

    private static double Similarity(int distance, string given, string right) =>
        Math.Max(0, 1 - (distance / (double)Math.Max(given.Length, right.Length)));
}

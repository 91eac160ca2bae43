namespace Vlm.Cryptogram;

/// <summary>What a right answer to a substitution cipher cannot fail, and what it seldom fails. All are string checks; none asks the model.</summary>
public enum Verifier
{
    /// <summary>V1: the reply is well-formed.</summary>
    Format,

    /// <summary>V2: the answer has as many letters as the code and its spaces at the same places.</summary>
    Alignment,

    /// <summary>V3: one coded letter always stands for the same plain letter.</summary>
    Function,

    /// <summary>V4: different coded letters stand for different plain letters; any number of them may be unseen.</summary>
    Injectivity,

    /// <summary>V5: the decoded letters, joined, are the answer.</summary>
    CharsMatchAnswer,

    /// <summary>V6: the mapping lines are the code's symbols in order, and their plain letters are the decoded letters.</summary>
    MappingMatchesChars,

    /// <summary>V7: the answer has letters a-z, <c>?</c> for unseen ones, and single spaces only.</summary>
    Alphabet,

    /// <summary>V8: every word is in the word list. Random letters and names fail it, and a guessed word passes it: evidence, never a verdict.</summary>
    Dictionary,
}

/// <summary>What the verifiers found.</summary>
/// <param name="Failures">Those that failed, in their order. When the format fails, nothing else can be checked and it stands alone.</param>
/// <param name="KnownWords">Share of the answer's words that are in the word list, 0 to 1; 0 without an answer.</param>
public sealed record VerifierReport(IReadOnlyList<Verifier> Failures, double KnownWords)
{
    /// <summary>Failures that no right answer can have: such an answer is never kept, whatever the confidence.</summary>
    public IReadOnlyList<Verifier> HardFailures { get; } = [.. Failures.Where(Verifiers.IsHard)];

    /// <summary>Whether a verifier passed; after a failed format none did.</summary>
    public bool Passed(Verifier verifier) => !Failures.Contains(Verifier.Format) && !Failures.Contains(verifier);
}

/// <summary>Checks a reply against its code. Pure.</summary>
public static class Verifiers
{
    /// <summary>Whether no right answer can fail it: the cipher is a bijection of the letters, and the answer follows its code symbol by symbol.</summary>
    public static bool IsHard(Verifier verifier) =>
        verifier is Verifier.Format or Verifier.Alignment or Verifier.Function or Verifier.Injectivity or Verifier.Alphabet;

    /// <summary>Checks a reply.</summary>
    /// <param name="reply">The parsed reply; the case of its letters does not matter.</param>
    /// <param name="code">The code in its normal form, <c>q x _ a y f</c>.</param>
    public static VerifierReport Check(ReplyResult reply, string code)
    {
        ArgumentNullException.ThrowIfNull(reply);
        ArgumentNullException.ThrowIfNull(code);
        if (reply is not ReplyResult.Reply parsed) return new VerifierReport([Verifier.Format], KnownWords: 0);
        var answer = parsed.Answer.ToLowerInvariant();
        var chars = Message.FromSpaced(parsed.Chars.ToLowerInvariant());
        var coded = Message.FromSpaced(code);
        var words = answer.Split(' ');
        var known = words.Count(WordList.Contains) / (double)words.Length;

        var failures = new List<Verifier>();
        void Expect(Verifier verifier, bool holds)
        {
            if (!holds) failures.Add(verifier);
        }

        var isAligned = answer.Length == coded.Length && coded.Index().All(symbol => symbol.Item == ' ' == (answer[symbol.Index] == ' '));
        Expect(Verifier.Alignment, isAligned);
        // Letter by letter only where letters stand opposite each other.
        Expect(Verifier.Function, !isAligned || IsFunction(coded, answer));
        Expect(Verifier.Injectivity, !isAligned || IsInjective(answer, coded));
        Expect(Verifier.CharsMatchAnswer, chars == answer);
        Expect(Verifier.MappingMatchesChars, MatchesLines(parsed.Lines, coded, chars));
        Expect(Verifier.Alphabet, words.All(word => word.Length > 0 && word.All(letter => char.IsAsciiLetterLower(letter) || letter == Message.Unseen)));
        Expect(Verifier.Dictionary, known == 1);
        return new VerifierReport(failures, known);
    }

    /// <summary>Whether equal symbols of one text always stand opposite equal symbols of the other.</summary>
    private static bool IsFunction(string from, string to)
    {
        var image = new Dictionary<char, char>();
        for (var i = 0; i < from.Length; i++)
        {
            if (!image.TryAdd(from[i], to[i]) && image[from[i]] != to[i]) return false;
        }

        return true;
    }

    /// <summary>Whether equal letters of the answer stand for equal coded ones; an unseen letter may stand for any.</summary>
    private static bool IsInjective(string answer, string coded)
    {
        int[] seen = [.. Enumerable.Range(0, answer.Length).Where(i => answer[i] != Message.Unseen)];
        return IsFunction(string.Concat(seen.Select(i => answer[i])), string.Concat(seen.Select(i => coded[i])));
    }

    private static bool MatchesLines(IReadOnlyList<MappingLine> lines, string coded, string chars)
    {
        if (lines.Count != coded.Length || chars.Length != coded.Length) return false;
        for (var i = 0; i < lines.Count; i++)
        {
            if (Symbol(lines[i].Coded) != coded[i] || Symbol(lines[i].Plain) != chars[i]) return false;
        }

        return true;
    }

    private static char Symbol(char written) => written == Message.Gap ? ' ' : char.ToLowerInvariant(written);
}

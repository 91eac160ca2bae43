using Vlm.Cryptogram;
using Vlm.Statistics;

namespace Vlm.Solving;

/// <summary>What the model believes of one pair.</summary>
/// <param name="Coded">The coded letter.</param>
/// <param name="Logs">[26] natural logarithms of the probabilities of the plain letters; with that of <paramref name="Unseen"/> they sum to 1.</param>
/// <param name="Unseen">Natural logarithm of the probability that the picture does not show it; −∞ where the model cannot say so.</param>
public sealed record LetterBelief(char Coded, IReadOnlyList<double> Logs, double Unseen = double.NegativeInfinity)
{
    /// <summary>Natural logarithm of the probability of a plain letter, or of <see cref="Message.Unseen"/>.</summary>
    public double Of(char plain) => plain == Message.Unseen ? Unseen : Logs[plain - 'a'];

    /// <summary>The likeliest outcome: a letter, or <see cref="Message.Unseen"/>.</summary>
    public char Likeliest
    {
        get
        {
            var letter = Enumerable.Range(0, Logs.Count).MaxBy(i => Logs[i]);
            return Unseen > Logs[letter] ? Message.Unseen : (char)('a' + letter);
        }
    }
}

/// <summary>A plain letter that was decided together with the others.</summary>
/// <param name="Coded">The coded letter.</param>
/// <param name="Plain">The plain letter, or <see cref="Message.Unseen"/> for one that the picture does not show.</param>
/// <param name="LogProbability">Natural logarithm of the belief in it, given that no two coded letters share a plain one.</param>
public readonly record struct DecidedLetter(char Coded, char Plain, double LogProbability);

/// <summary>What is known of the plain letters of a reply that was held to its layout; nothing of other replies.</summary>
public sealed record LetterReading
{
    /// <summary>Nothing.</summary>
    public static LetterReading None { get; } = new();

    /// <summary>The plain letters as they were decided together; empty where the reply ended before that.</summary>
    public IReadOnlyList<DecidedLetter> Decided { get; init; } = [];

    /// <summary>What the model believes of every letter it was asked for, at the first look; empty where <see cref="Decided"/> is.</summary>
    public IReadOnlyList<LetterBelief> Beliefs { get; init; } = [];

    /// <summary>What the model believes of every letter it was asked for, all looks together.</summary>
    public IReadOnlyList<LetterBelief> Together
    {
        get => field ?? Beliefs;
        init;
    }

    /// <summary>
    /// Where the model looked for every plain letter it was asked for, one weight per picture token, sum 1; empty where the package does not show it.
    /// </summary>
    public IReadOnlyList<float[]> LookedAt { get; init; } = [];

    /// <summary>The further looks at the picture that were needed.</summary>
    public LookCount FurtherLooks { get; init; }

    /// <summary>Whether the looks left letters unsure and the word list had a say in them (<see cref="WordDecision"/>).</summary>
    public bool LeantOnWords { get; init; }
}

/// <summary>From beliefs about single pairs to plain letters, none twice; an unseen letter takes no plain letter away. Pure.</summary>
internal static class LetterDecision
{
    /// <summary>Letters of the alphabet.</summary>
    public const int Letters = 26;

    /// <summary>
    /// A letter less probable than this is in doubt. Asking for the rest of the alphabet costs four tokens per letter; most replies to clear pictures have no
    /// doubt.
    /// </summary>
    private static readonly double Sure = Math.Log(0.995);

    /// <summary>A decided letter less probable than this is worth a further look at the picture.</summary>
    private static readonly double Decided = Math.Log(0.99);

    /// <summary>Whether a letter is unsure, or two want the same plain letter.</summary>
    public static bool IsInDoubt(IReadOnlyList<LetterBelief> beliefs) =>
        beliefs.Any(belief => Math.Max(belief.Unseen, belief.Logs.Max()) < Sure)
        || beliefs.Select(belief => belief.Likeliest).Where(letter => letter != Message.Unseen).GroupBy(letter => letter).Any(letter => letter.Count() > 1);

    /// <summary>Whether every letter asked for is unseen.</summary>
    public static bool IsNothingSeen(IReadOnlyList<LetterBelief> beliefs) => beliefs.All(belief => belief.Likeliest == Message.Unseen);

    /// <summary>Whether the letters are still unsure after they were decided together.</summary>
    public static bool IsOpen(IReadOnlyList<DecidedLetter> letters) => letters.Any(letter => letter.LogProbability < Decided);

    /// <summary>The likeliest letters as a whole. With the whole alphabet the beliefs in them are balanced.</summary>
    public static IReadOnlyList<DecidedLetter> Decide(IReadOnlyList<LetterBelief> beliefs)
    {
        var best = Assignment.Best([.. beliefs.Select(belief => Scores(belief, beliefs.Count))]);
        return [.. Balanced(beliefs).Zip(best, (belief, plain) => plain < Letters
            ? new DecidedLetter(belief.Coded, (char)('a' + plain), belief.Logs[plain])
            : new DecidedLetter(belief.Coded, Message.Unseen, belief.Unseen))];
    }

    /// <summary>The letters' columns, and where a model can say "unseen" as many columns for that as there are rows: they are never used up.</summary>
    private static double[] Scores(LetterBelief belief, int rows) => double.IsNegativeInfinity(belief.Unseen)
        ? [.. belief.Logs]
        : [.. belief.Logs, .. Enumerable.Repeat(belief.Unseen, rows)];

    /// <summary>
    /// The beliefs, given that no two coded letters share a plain one. That can only be said of the whole alphabet; fewer letters stay as they are.
    /// </summary>
    public static IReadOnlyList<LetterBelief> Balanced(IReadOnlyList<LetterBelief> beliefs)
    {
        if (beliefs.Count < Letters) return beliefs;
        var canBeUnseen = !beliefs.Any(belief => double.IsNegativeInfinity(belief.Unseen));
        var balanced = canBeUnseen
            ? Sinkhorn.BalanceWithFree([.. beliefs.Select(belief => (double[])[.. belief.Logs, belief.Unseen])])
            : Sinkhorn.Balance([.. beliefs.Select(belief => belief.Logs.ToArray())]);
        return [.. beliefs.Zip(balanced, (belief, row) => new LetterBelief(
            belief.Coded, Array.ConvertAll(row[..Letters], Math.Log), canBeUnseen ? Math.Log(row[Letters]) : double.NegativeInfinity))];
    }

    /// <summary>The mean of looks at one picture; a letter keeps what those say in which it was asked for.</summary>
    /// <remarks>The mean of logarithms, not their sum: looks at one picture share most of what misleads them.</remarks>
    public static IReadOnlyList<LetterBelief> Together(IReadOnlyList<IReadOnlyList<LetterBelief>> looks) =>
        [.. looks.SelectMany(beliefs => beliefs).GroupBy(belief => belief.Coded)
            .Select(letter => Mean(letter.Key, [.. letter]))];

    /// <summary>The mean of several beliefs about one letter.</summary>
    public static LetterBelief Mean(char coded, IReadOnlyList<LetterBelief> beliefs) => new(
        coded, [.. Enumerable.Range(0, Letters).Select(i => beliefs.Average(belief => belief.Logs[i]))], beliefs.Average(belief => belief.Unseen));
}

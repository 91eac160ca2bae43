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

    /// <summary>What the shapes in a picture without a decoder are taken for: so many letters at most, none of them this probable.</summary>
    private const int FewLetters = 4;

    /// <inheritdoc cref="FewLetters"/>
    private static readonly double Clear = Math.Log(0.9);

    /// <summary>Of a letter that is surely unseen a look still says something, next to nothing.</summary>
    private const double LeastSeen = 1e-6;

    /// <summary>
    /// Natural logarithm of how much greater the odds of a hidden letter are in training than on a box. Measured on views of whole, absent and covered sheets
    /// (EXPERIMENTS.md): the greater it is, the fewer shown letters are called unseen and the more hidden ones are read. At 1 both are few.
    /// </summary>
    private const double HiddenMoreOften = 1;

    /// <summary>Whether a letter is unsure, or two want the same plain letter.</summary>
    public static bool IsInDoubt(IReadOnlyList<LetterBelief> beliefs) =>
        beliefs.Any(belief => Math.Max(belief.Unseen, belief.Logs.Max()) < Sure)
        || beliefs.Select(belief => belief.Likeliest).Where(letter => letter != Message.Unseen).GroupBy(letter => letter).Any(letter => letter.Count() > 1);

    /// <summary>Whether every letter asked for is unseen.</summary>
    public static bool IsNothingSeen(IReadOnlyList<LetterBelief> beliefs) => beliefs.All(belief => belief.Likeliest == Message.Unseen);

    /// <summary>
    /// Whether of the whole alphabet hardly a letter is seen, and none clearly: in most pictures without a decoder there is something that looks a little like
    /// a letter or two.
    /// </summary>
    public static bool ShowsNoLetterClearly(IReadOnlyList<LetterBelief> beliefs) => beliefs.Count == Letters
        && beliefs.Count(belief => belief.Likeliest != Message.Unseen) <= FewLetters && beliefs.All(belief => belief.Logs.Max() < Clear);

    /// <summary>Whether the letters are still unsure after they were decided together.</summary>
    public static bool IsOpen(IReadOnlyList<DecidedLetter> letters) => letters.Any(letter => letter.LogProbability < Decided);

    /// <summary>The likeliest letters as a whole. With the whole alphabet the beliefs in them are balanced.</summary>
    public static IReadOnlyList<DecidedLetter> Decide(IReadOnlyList<LetterBelief> beliefs)
    {
        if (ShowsNoLetterClearly(beliefs)) return [.. beliefs.Select(belief => new DecidedLetter(belief.Coded, Message.Unseen, belief.Unseen))];
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

    /// <summary>All looks at one picture together; a letter keeps what those say in which it was asked for.</summary>
    public static IReadOnlyList<LetterBelief> Together(IReadOnlyList<IReadOnlyList<LetterBelief>> looks) =>
        [.. looks.SelectMany(beliefs => beliefs).GroupBy(belief => belief.Coded)
            .Select(letter => Mean(letter.Key, [.. letter]))];

    /// <summary>The mean of several beliefs about one letter: whether it is seen, and what it is if it is.</summary>
    /// <remarks>
    /// The mean of logarithms, not their sum: looks at one picture share most of what misleads them. A look that hardly sees the letter says hardly anything
    /// of what it is. Whether it is seen is a question of its own, in log-odds: in one distribution, a single look that sees nothing would take the letter
    /// from all that read it. What looks disagree about stays less than sure: the means are not made to sum to 1 again.
    /// </remarks>
    public static LetterBelief Mean(char coded, IReadOnlyList<LetterBelief> beliefs)
    {
        double[] seen = [.. beliefs.Select(Seen)];
        var odds = beliefs.Zip(seen, (belief, share) => Math.Log(share) - belief.Unseen).Average();
        var isSeen = -LogOfOnePlusExp(-odds);
        double Log(int letter) => beliefs.Zip(seen, (belief, share) => share * (belief.Logs[letter] - Math.Log(share))).Sum() / seen.Sum();
        return beliefs is [var only] ? only : new LetterBelief(coded, [.. Enumerable.Range(0, Letters).Select(letter => Log(letter) + isSeen)], isSeen - odds);
    }

    /// <summary>What a look says on a box, where nearly every sheet is whole, of what it says in training, where letters are hidden on purpose.</summary>
    /// <remarks>
    /// A shift of the prior (Saerens, Latinne and Decaestecker 2002, eq. 4): the odds of "not seen" are divided by how much more often training hides a
    /// letter. A look that sees less than half of the letters stays as it is: that sheet is no ordinary one.
    /// </remarks>
    public static IReadOnlyList<LetterBelief> OnTheBox(IReadOnlyList<LetterBelief> look) =>
        2 * look.Count(belief => belief.Likeliest == Message.Unseen) > look.Count ? look : [.. look.Select(belief =>
        {
            var rarer = belief.Unseen - HiddenMoreOften;
            var norm = Math.Log(Seen(belief) + Math.Exp(rarer));
            return new LetterBelief(belief.Coded, [.. belief.Logs.Select(log => log - norm)], rarer - norm);
        })];

    /// <summary>The probability that the picture shows the letter, above 0.</summary>
    private static double Seen(LetterBelief belief) => Math.Max(LeastSeen, 1 - Math.Exp(belief.Unseen));

    private static double LogOfOnePlusExp(double x) => x > 0 ? x + Math.Log(1 + Math.Exp(-x)) : Math.Log(1 + Math.Exp(x));
}

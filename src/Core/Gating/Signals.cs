using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Gating;

/// <summary>What is known about one answer without its solution: one number per name of <see cref="Signals.Names"/>, in that order.</summary>
/// <param name="Values">Finite numbers.</param>
public sealed record SignalVector(IReadOnlyList<double> Values)
{
    /// <summary>The signal of a name.</summary>
    /// <exception cref="ArgumentException">There is no such signal.</exception>
    public double this[string name] => Values[Signals.Index(name)];
}

/// <summary>Turns a solution into numbers from which the chance that it is right can be learned. Higher is surer in all of them.</summary>
/// <remarks>
/// One wrong letter makes an exact-match answer wrong, and among many sure ones a mean hides it: hence the least belief beside the product of all, and the
/// answer against its alternatives (<see cref="AnswerPosterior"/>); whether it is a word is no signal: where nothing can be read, guesses are words. The
/// tokens' own log-probabilities (arXiv 2412.15176) are for replies that no grammar holds.
/// Log-probabilities enter as -ln(ε - x): over right answers they range over many powers of ten next to 0, which a linear model cannot see; the order, and so
/// every ranking, stays the same.
/// </remarks>
public static class Signals
{
    // Probabilities closer to 1 than this are float32 noise.
    private const double Least = 1e-6;

    // A sheet with more pixels a side is not read better.
    private const double Plenty = 400;

    // Log odds of an answer whose letters nobody was asked for: as low as any.
    private static readonly double Unknown = Math.Log(Least);

    /// <summary>Mean log-probability of the answer's tokens: what a raw confidence is usually made of.</summary>
    public const string MeanLogProbability = "answer.logp.mean";

    /// <summary>Log-probability of the whole reply.</summary>
    public const string SequenceLogProbability = "reply.logp.sum";

    /// <summary>Least log-probability of any token of the reply.</summary>
    public const string LeastLogProbability = "reply.logp.min";

    /// <summary>Least log-probability of a plain letter in the mapping lines, when it was first written.</summary>
    public const string LeastMapping = "mapping.logp.min";

    /// <summary>The greatest share of probability that constrained decoding took away at any token of the reply.</summary>
    public const string MostRemoved = "reply.removed.max";

    /// <summary>The least belief in a letter of the answer, all looks together and no plain letter twice.</summary>
    public const string LeastBelief = "belief.min";

    /// <summary>Log odds of the answer against every other string.</summary>
    public const string PosteriorOfLetters = "posterior.letters";

    /// <summary>Log odds of the answer against every other message, words being likelier than other strings.</summary>
    public const string PosteriorOfWords = "posterior.words";

    /// <summary>The names, in the order of the values.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        SequenceLogProbability, LeastLogProbability, LeastMapping, MeanLogProbability, MostRemoved,
        LeastBelief, PosteriorOfLetters, PosteriorOfWords, "looks.spared", "looks.agree",
        "verify.chars_match_answer", "verify.mapping_matches_chars",
        "picture.sharpness", "picture.contrast", "picture.glyph_size",
        "sheet.steady", "sheet.size",
    ];

    private static readonly Dictionary<string, int> Indices = Names.Index().ToDictionary(name => name.Item, name => name.Index);

    /// <summary>The place of a name among the values.</summary>
    /// <exception cref="ArgumentException">There is no such signal.</exception>
    public static int Index(string name) =>
        Indices.TryGetValue(name, out var index) ? index : throw new ArgumentException($"There is no signal '{name}'.", nameof(name));

    /// <summary>The signals of a solution and of its picture, in a few milliseconds.</summary>
    public static SignalVector Of(Solution solution)
    {
        ArgumentNullException.ThrowIfNull(solution);
        var (width, height) = (solution.Grid.Columns * solution.PatchSize, solution.Grid.Rows * solution.PatchSize);
        return Of(solution, PictureQuality.Of(solution.Question.Picture, width, height));
    }

    /// <summary>
    /// The signals of a solution. What the reply does not have counts as one token of probability 1/e, all of it removed; letters without beliefs are as
    /// unlikely as any.
    /// </summary>
    /// <param name="solution">A solution.</param>
    /// <param name="quality">Of its picture.</param>
    public static SignalVector Of(Solution solution, PictureQuality quality)
    {
        ArgumentNullException.ThrowIfNull(solution);
        ArgumentNullException.ThrowIfNull(quality);
        var (choices, fields, looks) = (solution.Generation.Choices, solution.Fields, solution.Generation.Reading.FurtherLooks);
        var report = Verifiers.Check(solution.Reply, solution.Question.Code);
        var posterior = Posterior(solution);
        double[] values =
        [
            Surety(choices.Sum(choice => choice.LogProbability)),
            Surety(LogProbabilities(choices, Enumerable.Range(0, choices.Count)).Min()),
            Surety(LogProbabilities(choices, fields?.Mapping).Min()),
            Surety(LogProbabilities(choices, fields?.Answer).Average()),
            Surety(choices.Count == 0 ? -1 : -choices.Max(choice => choice.Removed)),
            posterior is null ? Surety(Unknown) : Surety(posterior.Value.Least),
            posterior?.Letters ?? Unknown,
            posterior?.Words ?? Unknown,
            -looks.Count,
            looks.Count == 0 ? 1 : (double)looks.Agreeing / looks.Count,
            report.Passed(Verifier.CharsMatchAnswer) ? 1 : 0,
            report.Passed(Verifier.MappingMatchesChars) ? 1 : 0,
            Math.Log(quality.Sharpness + 1),
            quality.Contrast,
            quality.GlyphSize,
            -(solution.Sheet?.Sheet?.Shift ?? 0),
            Math.Log(Math.Clamp(solution.Sheet?.Sheet?.Pixels ?? Plenty, 1, Plenty)),
        ];
        return new SignalVector(values);
    }

    private static AnswerPosterior? Posterior(Solution solution) => solution.Answer is { } answer
        ? AnswerPosterior.From(solution.Question.Code, answer, LetterDecision.Balanced(solution.Generation.Reading.Together))
        : null;

    private static IEnumerable<double> LogProbabilities(IReadOnlyList<Choice> choices, IEnumerable<int>? places) =>
        (places ?? []).Select(place => (double)choices[place].LogProbability).DefaultIfEmpty(-1);

    private static double Surety(double logProbability) => -Math.Log(Least - Math.Min(0, logProbability));
}

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

/// <summary>Turns a solution into numbers from which the chance that it is right can be learned.</summary>
/// <remarks>
/// One wrong token makes an exact-match answer wrong, and among many sure tokens a mean hides it: hence minima and low quantiles, per field (Gupta et al.,
/// arXiv 2404.10136), beside the sequence's log-probability, the principled score of a greedy answer (arXiv 2412.15176).
/// Log-probabilities and entropies enter as -ln(x + ε): over right answers they range over many powers of ten next to 0, which a linear model cannot see;
/// the order, and so every ranking, stays the same. Higher is surer in all of them.
/// </remarks>
public static class Signals
{
    // Probabilities closer to 1 than this are float32 noise.
    private const double Least = 1e-6;

    /// <summary>Mean log-probability of the answer's tokens: what a raw confidence is usually made of.</summary>
    public const string MeanLogProbability = "answer.logp.mean";

    /// <summary>Log-probability of the whole reply.</summary>
    public const string SequenceLogProbability = "reply.logp.sum";

    /// <summary>Least log-probability of any token of the reply.</summary>
    public const string LeastLogProbability = "reply.logp.min";

    /// <summary>The greatest share of probability that constrained decoding took away at any token of the reply.</summary>
    public const string MostRemoved = "reply.removed.max";

    /// <summary>The least belief in a plain letter, after all were decided together.</summary>
    public const string LeastDecided = "decided.logp.min";

    /// <summary>The names, in the order of the values.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        SequenceLogProbability, LeastLogProbability, MostRemoved, LeastDecided, "decided.logp.sum", "looks.further", "looks.agree",
        .. Field("mapping"), .. Field("chars"), .. Field("answer"),
        "verify.chars_match_answer", "verify.mapping_matches_chars", "verify.known_words",
        "code.letters", "code.distinct",
        "picture.sharpness", "picture.contrast", "picture.glyph_size",
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
    /// The signals of a solution. A field that the reply does not have counts as one token of probability 1/e, entropy 1 and margin 0, all of it removed.
    /// </summary>
    /// <param name="solution">A solution.</param>
    /// <param name="quality">Of its picture.</param>
    public static SignalVector Of(Solution solution, PictureQuality quality)
    {
        ArgumentNullException.ThrowIfNull(solution);
        ArgumentNullException.ThrowIfNull(quality);
        var choices = solution.Generation.Choices;
        var (decided, looks) = (solution.Generation.Reading.Decided, solution.Generation.Reading.FurtherLooks);
        var report = Verifiers.Check(solution.Reply, solution.Question.Code);
        var letters = solution.Question.Code.Where(char.IsAsciiLetter).ToArray();
        double[] values =
        [
            Surety(choices.Sum(choice => choice.LogProbability)),
            Surety(choices.Count == 0 ? -1 : choices.Min(choice => choice.LogProbability)),
            Surety(choices.Count == 0 ? -1 : -choices.Max(choice => choice.Removed)),
            Surety(decided.Count == 0 ? -1 : decided.Min(letter => letter.LogProbability)),
            Surety(decided.Count == 0 ? -1 : decided.Sum(letter => letter.LogProbability)),
            looks.Count,
            looks.Count == 0 ? 1 : (double)looks.Agreeing / looks.Count,
            .. Of(choices, solution.Fields?.Mapping),
            .. Of(choices, solution.Fields?.Chars),
            .. Of(choices, solution.Fields?.Answer),
            report.Passed(Verifier.CharsMatchAnswer) ? 1 : 0,
            report.Passed(Verifier.MappingMatchesChars) ? 1 : 0,
            report.KnownWords,
            letters.Length,
            letters.Distinct().Count(),
            Math.Log(quality.Sharpness + 1),
            quality.Contrast,
            quality.GlyphSize,
        ];
        return new SignalVector(values);
    }

    private static IEnumerable<string> Field(string field) =>
        ((string[])["logp.min", "logp.q10", "logp.q25", "logp.mean", "margin.min", "margin.mean", "entropy.max", "entropy.mean", "removed.max"])
        .Select(name => $"{field}.{name}");

    private static double[] Of(IReadOnlyList<Choice> choices, IReadOnlyList<int>? field)
    {
        if (field is not { Count: > 0 }) return [Surety(-1), Surety(-1), Surety(-1), Surety(-1), 0, 0, Surety(-1), Surety(-1), Surety(-1)];
        double[] logs = [.. field.Select(i => choices[i].LogProbability).Order()];
        double[] margins = [.. field.Select(i => choices[i].Margin)];
        double[] entropies = [.. field.Select(i => choices[i].Entropy)];
        return
        [
            Surety(logs[0]), Surety(Quantile(logs, 0.10)), Surety(Quantile(logs, 0.25)), Surety(logs.Average()),
            margins.Min(), margins.Average(), Surety(-entropies.Max()), Surety(-entropies.Average()),
            Surety(-field.Max(i => choices[i].Removed)),
        ];
    }

    /// <summary>Linear between the order statistics.</summary>
    private static double Quantile(double[] sorted, double share)
    {
        var at = share * (sorted.Length - 1);
        var below = (int)at;
        return below + 1 < sorted.Length ? sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }

    private static double Surety(double logProbability) => -Math.Log(Least - Math.Min(0, logProbability));
}

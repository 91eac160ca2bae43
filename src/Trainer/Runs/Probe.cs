using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Runs;

/// <summary>Exact match on one kind of puzzle.</summary>
/// <param name="Kind"><c>words_1</c>, <c>words_2</c>, <c>words_3</c> (clean pictures), <c>letters</c>, <c>fonts</c>, <c>camera</c> (severity 1–3).</param>
/// <param name="Right">Puzzles answered right.</param>
/// <param name="Count">Puzzles asked.</param>
public sealed record KindResult(string Kind, int Right, int Count)
{
    public double Share => (double)Right / Count;
}

/// <summary>Exact match by kind.</summary>
public sealed record ProbeResult(IReadOnlyList<KindResult> Kinds)
{
    /// <summary>Share of the clean puzzles of words answered right.</summary>
    public double Clean
    {
        get
        {
            var words = Kinds.Where(k => k.Kind.StartsWith("words", StringComparison.Ordinal)).ToList();
            return (double)words.Sum(k => k.Right) / words.Sum(k => k.Count);
        }
    }

    public override string ToString() => $"{Clean * 100:F1} % clean; " + string.Join(", ", Kinds.Select(k => $"{k.Kind} {k.Share * 100:F1} %"));

    /// <summary>A table with 95 % Wilson intervals.</summary>
    public string ToMarkdown(string title)
        => $"# {title}\n\nGreedy replies, exact match of the whole answer.\n\n| puzzles | right | of | exact match | 95 % interval |\n|---|---|---|---|---|\n"
        + string.Concat(Kinds.Select(k =>
        {
            var interval = WilsonInterval.Of(k.Right, k.Count);
            return $"| {k.Kind} | {k.Right} | {k.Count} | {k.Share * 100:F2} % | {interval.Low * 100:F2}–{interval.High * 100:F2} % |\n";
        }));
}

/// <summary>Puzzles that training never sees, the same every time, answered freely or, on request, held to the grammar.</summary>
internal sealed class Probe
{
    private const long Seed = 77;
    private const int MostTokens = 240, BatchSize = 32;
    private readonly CheckpointInput _input;
    private readonly bool _isHeld;
    private readonly List<(string Kind, Puzzle Puzzle)> _puzzles;

    /// <param name="perKind">Puzzles per kind.</param>
    /// <param name="input">How the model is asked.</param>
    /// <param name="withStrata">Whether pictures with which something is the matter are asked about as well.</param>
    /// <param name="held">Whether replies are held to the grammar, letter by letter: no decision over all letters, no further looks.</param>
    public Probe(int perKind, CheckpointInput input, bool withStrata = false, bool held = false)
    {
        (_input, _isHeld) = (input, held);
        (string Name, PuzzleOptions Options)[] kinds =
        [
            ("words_1", Clean(1)), ("words_2", Clean(2)), ("words_3", Clean(3)),
            ("letters", PuzzleOptions.For(Split.Letters)), ("fonts", PuzzleOptions.For(Split.Fonts)), ("camera", PuzzleOptions.For(Split.Camera)),
            .. withStrata ? Strata() : [],
        ];
        _puzzles = [.. kinds.SelectMany(kind =>
        {
            var source = new PuzzleSource(kind.Options, Seed);
            return Enumerable.Range(0, perKind).Select(i => (kind.Name, source.At(i)));
        })];
    }

    /// <summary>Asks every puzzle.</summary>
    public ProbeResult Of(QwenVl model)
    {
        var right = _puzzles.Chunk(BatchSize).SelectMany(chunk => Replies(model, [.. chunk.Select(p => p.Puzzle)])
            .Zip(chunk, (ids, p) => (p.Kind, Right: Score.IsExact(_input.Tokenizer.Decode(ids), p.Puzzle.Answer))));
        return new ProbeResult([.. right.GroupBy(r => r.Kind).Select(g => new KindResult(g.Key, g.Count(r => r.Right), g.Count()))]);
    }

    /// <summary>Tokens of the most probable replies, without the stop token.</summary>
    private IEnumerable<int[]> Replies(QwenVl model, IReadOnlyList<Puzzle> puzzles)
    {
        var replies = _isHeld ? new HeldReplies(model, _input).To(puzzles) : new GreedyReplies(model, MostTokens).To([.. puzzles.Select(_input.Ask)]);
        return replies.Select(reply => reply.Ids);
    }

    private static PuzzleOptions Clean(int words) => PuzzleOptions.For(Split.Clean) with
    {
        Messages = new MessageMix { OneWord = words == 1 ? 1 : 0, TwoWords = words == 2 ? 1 : 0, ThreeWords = words == 3 ? 1 : 0 },
    };

    private static IEnumerable<(string Name, PuzzleOptions Options)> Strata() => Enum.GetValues<Stratum>().Where(stratum => stratum != Stratum.Whole)
        .Select(stratum => (stratum.ToString().ToLowerInvariant(), PuzzleOptions.For(Split.Camera, 0, 3) with { Strata = StratumMix.Only(stratum) }));
}

using Vlm.Cryptogram;
using Vlm.Text;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using Vlm.Vision;

namespace Vlm.Trainer.Supervised;

/// <summary>Exact match of a probe.</summary>
/// <param name="All">Share of the clean puzzles answered right.</param>
/// <param name="ByKind">Shares by kind: <c>words_1</c> … <c>words_3</c> (clean), <c>letters</c>, <c>fonts</c>, <c>camera</c>.</param>
public sealed record ProbeResult(double All, IReadOnlyDictionary<string, double> ByKind)
{
    public override string ToString() => $"{All * 100:F1} % clean; " + string.Join(", ", ByKind.Select(k => $"{k.Key} {k.Value * 100:F1} %"));
}

/// <summary>The same few puzzles again and again during training, answered freely: is it getting there? Not a measurement: it is far too small for that.</summary>
internal sealed class Probe
{
    private const long Seed = 77;
    private const int MostTokens = 240, BatchSize = 32;
    private readonly Tokenizer tokenizer;
    private readonly List<(string Kind, Puzzle Puzzle, Question Question)> puzzles;

    public Probe(TrainConfig config, PictureConfig pictures, Tokenizer tokenizer)
    {
        this.tokenizer = tokenizer;
        var kinds = new (string Name, PuzzleOptions Options)[]
        {
            ("words_1", Clean(1)), ("words_2", Clean(2)), ("words_3", Clean(3)),
            ("letters", PuzzleOptions.For(Split.Letters)), ("fonts", PuzzleOptions.For(Split.Fonts)), ("camera", PuzzleOptions.For(Split.Camera)),
        };
        puzzles = [.. kinds.SelectMany(kind => Enumerable.Range(0, config.ProbePuzzles).Select(i => new PuzzleSource(kind.Options, Seed).At(i)).Select(p => (kind.Name, p, Ask(p, pictures))))];
    }

    /// <summary>Replies greedily to every puzzle of the probe.</summary>
    public ProbeResult Of(QwenVl model)
    {
        var greedy = new GreedyReplies(model, MostTokens);
        var right = puzzles.Chunk(BatchSize).SelectMany(chunk => greedy.To([.. chunk.Select(p => p.Question)]).Zip(chunk, (reply, p) => (p.Kind, Right: Score.IsExact(tokenizer.Decode(reply.Ids), p.Puzzle.Answer)))).ToList();
        var byKind = right.GroupBy(r => r.Kind).ToDictionary(g => g.Key, g => g.Average(r => r.Right ? 1.0 : 0));
        return new ProbeResult(byKind.Where(k => k.Key.StartsWith("words", StringComparison.Ordinal)).Average(k => k.Value), byKind);
    }

    private static PuzzleOptions Clean(int words) => PuzzleOptions.For(Split.Clean) with
    {
        Messages = new MessageMix { OneWord = words == 1 ? 1 : 0, TwoWords = words == 2 ? 1 : 0, ThreeWords = words == 3 ? 1 : 0 },
    };

    private Question Ask(Puzzle puzzle, PictureConfig pictures)
    {
        var patches = Patches.From(puzzle.Picture, pictures);
        return new Question(patches, tokenizer.Encode(PromptTemplate.Small.Text(puzzle.Code, patches.Grid.MergedTokens(pictures.MergeSize))));
    }
}

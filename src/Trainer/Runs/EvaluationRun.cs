using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Vlm.CommandLine;
using Vlm.Cryptogram;
using Vlm.Files;
using Vlm.Puzzles;

namespace Vlm.Trainer.Runs;

/// <summary>A model's reply to a puzzle.</summary>
/// <param name="Text">Without the stop token.</param>
/// <param name="Confidence">Probability of the whole reply: letters are decided in its mapping lines, the answer copies them; null without an answer.</param>
public sealed record PuzzleReply(string Text, double? Confidence);

/// <summary>Asks the puzzles of an evaluation that an earlier, stopped one has not asked yet.</summary>
/// <param name="subject">Which puzzles.</param>
/// <param name="draw">The puzzle of a split at an index.</param>
/// <param name="ask">Replies to a batch, in order.</param>
internal sealed class EvaluationRun(EvaluationSubject subject, Func<Split, long, Puzzle> draw, Func<IReadOnlyList<Puzzle>, IReadOnlyList<PuzzleReply>> ask)
{
    /// <summary>What is known of an evaluation, in a file whose first line says what is evaluated.</summary>
    /// <exception cref="UserException">The file is of another evaluation.</exception>
    public static ResultLines<(Split Split, long Index), EvaluatedPuzzle> Open(string path, EvaluationSubject subject)
    {
        var type = (JsonTypeInfo<EvaluatedPuzzle>)EvaluationJson.Lines.GetTypeInfo(typeof(EvaluatedPuzzle));
        return new ResultLines<(Split Split, long Index), EvaluatedPuzzle>(
            path, type, puzzle => (puzzle.Split, puzzle.Index), JsonSerializer.Serialize(subject, EvaluationJson.Lines));
    }

    /// <summary>Asks what is missing, split by split; every batch is kept as soon as it is answered.</summary>
    /// <exception cref="StoppedException">It was stopped between two batches.</exception>
    public void Finish(ResultLines<(Split Split, long Index), EvaluatedPuzzle> results, CancellationToken stop)
    {
        var run = new ResumableRun<(Split Split, long Index), Puzzle, EvaluatedPuzzle>(
            results, subject.Batch, key => draw(key.Split, key.Index), puzzle => puzzle.Code.Length, Ask);
        foreach (var split in subject.Splits)
        {
            var wanted = Enumerable.Range(0, subject.Count).Select(index => (split, (long)index)).ToList();
            run.Finish(EvaluationTables.Name(split), wanted, puzzle => puzzle.Right, stop);
        }
    }

    private List<EvaluatedPuzzle> Ask(IReadOnlyList<((Split Split, long Index) Key, Puzzle Puzzle)> batch)
        => [.. batch.Zip(ask([.. batch.Select(item => item.Puzzle)]), (item, reply) => Judge(item.Key, item.Puzzle, reply))];

    private static EvaluatedPuzzle Judge((Split Split, long Index) key, Puzzle puzzle, PuzzleReply reply)
    {
        var right = Score.IsExact(reply.Text, puzzle.Answer);
        var words = puzzle.Answer.Count(c => c == ' ') + 1;
        return new EvaluatedPuzzle(key.Split, key.Index, puzzle.Code, right, puzzle.Kind, words, puzzle.Severity, reply.Confidence)
        { Reply = right ? null : reply.Text };
    }
}

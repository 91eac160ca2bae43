using Vlm.Cryptogram;
using Vlm.Puzzles;

namespace Vlm.Trainer.Evaluations;

/// <summary>A model's reply to a puzzle.</summary>
/// <param name="Text">Without the stop token.</param>
/// <param name="Confidence">Probability of the whole reply: letters are decided in its mapping lines, the answer copies them; null without an answer.</param>
public sealed record PuzzleReply(string Text, double? Confidence);

/// <summary>Asks the puzzles that an earlier, stopped evaluation has not asked yet.</summary>
/// <param name="subject">Which puzzles.</param>
/// <param name="draw">The puzzle of a split at an index.</param>
/// <param name="ask">Replies to a batch, in order.</param>
internal sealed class EvaluationRun(EvaluationSubject subject, Func<Split, long, Puzzle> draw, Func<IReadOnlyList<Puzzle>, IReadOnlyList<PuzzleReply>> ask)
{
    // Batches are filled from this many at a time, alike in length: a batch takes as long as its longest reply.
    private const int BatchesDrawnAhead = 4;

    /// <summary>Puzzles still to be asked, in batches' worth.</summary>
    public int Batches(PartialEvaluation results) => subject.Splits.Sum(split => (Missing(results, split).Count + subject.Batch - 1) / subject.Batch);

    /// <summary>Asks what is missing; every batch is kept as soon as it is done.</summary>
    /// <param name="results">Where puzzles are kept, and what is there already.</param>
    /// <param name="progress">Told of every finished batch.</param>
    /// <param name="stop">Ends the run between two batches.</param>
    /// <returns>Whether all puzzles have been asked.</returns>
    public bool Finish(PartialEvaluation results, Action<IReadOnlyList<EvaluatedPuzzle>> progress, CancellationToken stop)
    {
        foreach (var split in subject.Splits)
        {
            var windows = Missing(results, split).Chunk(subject.Batch * BatchesDrawnAhead).ToList();
            // One window is drawn while the one before is answered: a picture takes as long as a few of its tokens.
            var next = windows.Count > 0 ? Draw(split, windows[0]) : null;
            for (var w = 0; w < windows.Count; w++)
            {
                var drawn = next!.GetAwaiter().GetResult();
                next = w + 1 < windows.Count && !stop.IsCancellationRequested ? Draw(split, windows[w + 1]) : null;
                foreach (var batch in drawn.OrderBy(item => item.Puzzle.Code.Length).Chunk(subject.Batch))
                {
                    if (stop.IsCancellationRequested) return false;
                    var asked = Ask(split, batch);
                    results.Add(asked);
                    progress(asked);
                }
            }
        }
        return true;
    }

    private List<long> Missing(PartialEvaluation results, Split split)
        => [.. Enumerable.Range(0, subject.Count).Select(index => (long)index).Where(index => !results.Puzzles.ContainsKey((split, index)))];

    private Task<(long Index, Puzzle Puzzle)[]> Draw(Split split, long[] indices) => Task.Run(() => Array.ConvertAll(indices, index => (index, draw(split, index))));

    private List<EvaluatedPuzzle> Ask(Split split, (long Index, Puzzle Puzzle)[] batch)
        => [.. batch.Zip(ask([.. batch.Select(item => item.Puzzle)]), (item, reply) =>
        {
            var (index, puzzle) = item;
            var right = Score.IsExact(reply.Text, puzzle.Answer);
            return new EvaluatedPuzzle(split, index, puzzle.Code, right, puzzle.Kind, puzzle.Answer.Count(c => c == ' ') + 1, puzzle.Severity, reply.Confidence)
            {
                Reply = right ? null : reply.Text,
            };
        })];
}

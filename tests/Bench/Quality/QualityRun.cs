using System.Diagnostics;
using Vlm.Puzzles;

namespace Vlm.Bench.Quality;

/// <summary>What became of one puzzle of a batch.</summary>
/// <param name="Answer">The plain text; null when the reply could not be read.</param>
/// <param name="Failure">Why it could not be read; null when it could.</param>
/// <param name="Confidence">The engine's raw confidence, 0 to 1; null when the reply could not be read.</param>
/// <param name="Tokens">Tokens of the reply.</param>
public sealed record Outcome(string? Answer, UnreadableReply? Failure, double? Confidence, int Tokens);

/// <summary>Solves the puzzles of a split that an earlier, stopped run has not solved yet.</summary>
/// <param name="draw">The puzzle at an index.</param>
/// <param name="solve">Solves a batch; one outcome per puzzle, in order.</param>
public sealed class QualityRun(Func<long, Puzzle> draw, Func<IReadOnlyList<Puzzle>, IReadOnlyList<Outcome>> solve)
{
    // Batches are filled from this many puzzles at a time, alike in length: a batch takes as long as its longest reply.
    private const int BatchesDrawnAhead = 8;

    /// <summary>Solves what is missing of the puzzles 0 to <paramref name="count"/> - 1, keeping every batch as soon as it is done.</summary>
    /// <param name="results">Where solved puzzles are kept, and what is there already.</param>
    /// <param name="count">How many puzzles there shall be.</param>
    /// <param name="batch">Puzzles per batch.</param>
    /// <param name="progress">Told of every finished batch.</param>
    /// <param name="stop">Ends the run between two batches.</param>
    /// <returns>Whether all puzzles are solved.</returns>
    public bool Finish(PartialResults results, int count, int batch, Action<IReadOnlyList<QualityItem>> progress, CancellationToken stop)
    {
        var missing = Enumerable.Range(0, count).Select(index => (long)index).Where(index => !results.Items.ContainsKey(index)).ToList();
        var drawn = missing.Chunk(batch * BatchesDrawnAhead).Select(indices => indices.Select(index => (Index: index, Puzzle: draw(index))));
        foreach (var puzzles in drawn.SelectMany(ahead => ahead.OrderBy(item => item.Puzzle.Code.Length).Chunk(batch)))
        {
            if (stop.IsCancellationRequested)
                return false;
            var items = Solve(puzzles);
            results.Add(items);
            progress(items);
        }

        return true;
    }

    private List<QualityItem> Solve((long Index, Puzzle Puzzle)[] batch)
    {
        long started = Stopwatch.GetTimestamp();
        var outcomes = solve([.. batch.Select(item => item.Puzzle)]);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds / batch.Length;
        return [.. batch.Zip(outcomes, (item, outcome) => new QualityItem(item.Index, item.Puzzle.Code, item.Puzzle.Answer, outcome.Answer, outcome.Failure)
        {
            Severity = item.Puzzle.Severity,
            Confidence = outcome.Confidence,
            Tokens = outcome.Tokens,
            Seconds = seconds,
        })];
    }
}

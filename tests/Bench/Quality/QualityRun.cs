using System.Diagnostics;
using Vlm.Cryptogram;

namespace Vlm.Bench.Quality;

/// <summary>The answer to one puzzle of a batch.</summary>
/// <param name="Answer">The plain text; null when the reply could not be read.</param>
/// <param name="Failure">Why it could not be read; null when it could.</param>
/// <param name="Confidence">Geometric mean of the answer tokens' probabilities; null when the reply could not be read.</param>
/// <param name="Tokens">Tokens of the reply.</param>
public sealed record Solution(string? Answer, ReplyFailure? Failure, double? Confidence, int Tokens);

/// <summary>Solves the puzzles of a split that an earlier, stopped run has not solved yet.</summary>
/// <param name="draw">The puzzle at an index.</param>
/// <param name="solve">Solves a batch; one solution per puzzle, in order.</param>
public sealed class QualityRun(Func<long, Puzzle> draw, Func<IReadOnlyList<Puzzle>, IReadOnlyList<Solution>> solve)
{
    /// <summary>Solves what is missing of the puzzles 0 to <paramref name="count"/> - 1, keeping every batch as soon as it is done.</summary>
    /// <param name="results">Where solved puzzles are kept, and what is there already.</param>
    /// <param name="count">How many puzzles there shall be.</param>
    /// <param name="batch">Puzzles per batch.</param>
    /// <param name="progress">Told of every finished batch.</param>
    /// <param name="stop">Ends the run between two batches.</param>
    /// <returns>Whether all puzzles are solved.</returns>
    public bool Finish(PartialResults results, int count, int batch, Action<IReadOnlyList<QualityItem>> progress, CancellationToken stop)
    {
        var missing = Enumerable.Range(0, count).Select(index => (long)index).Where(index => !results.Items.ContainsKey(index));
        foreach (long[] indices in missing.Chunk(batch))
        {
            if (stop.IsCancellationRequested)
                return false;
            var items = Solve(indices);
            results.Add(items);
            progress(items);
        }

        return true;
    }

    private List<QualityItem> Solve(long[] indices)
    {
        Puzzle[] puzzles = [.. indices.Select(draw)];
        long started = Stopwatch.GetTimestamp();
        var solutions = solve(puzzles);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds / puzzles.Length;
        return [.. indices.Zip(puzzles, solutions).Select(solved => new QualityItem(
            solved.First, solved.Second.Code, solved.Second.Answer, solved.Third.Answer, solved.Third.Failure)
        {
            Severity = solved.Second.Severity,
            Confidence = solved.Third.Confidence,
            Tokens = solved.Third.Tokens,
            Seconds = seconds,
        })];
    }
}

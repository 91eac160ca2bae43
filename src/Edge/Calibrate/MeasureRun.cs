using Vlm.Cryptogram;
using Vlm.Gating;
using Vlm.Solving;

namespace Vlm.Edge.Calibrate;

/// <summary>Solves the labelled puzzles that an earlier, stopped run has not solved yet, with the engine and precision of the daemon.</summary>
internal sealed class MeasureRun(Solver solver, LabelledPuzzles puzzles, int batch)
{
    // Batches are filled from this many puzzles at a time, alike in length: a batch takes as long as its longest reply.
    private const int BatchesDrawnAhead = 8;

    /// <summary>Measures what is missing, keeping every batch as soon as it is done.</summary>
    /// <param name="results">Where measured puzzles are kept, and what is there already.</param>
    /// <param name="indices">The puzzles wanted.</param>
    /// <param name="progress">Told of every finished batch.</param>
    /// <param name="cancellation">Ends the run between two batches; what is measured stays.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Finish(MeasurementFile results, IReadOnlyList<int> indices, Action<IReadOnlyList<Measurement>> progress, CancellationToken cancellation)
    {
        foreach (var ahead in indices.Where(index => !results.Items.ContainsKey(index)).Chunk(batch * BatchesDrawnAhead))
        {
            // Drawing a photograph takes about as long as solving it: on all processors, order kept.
            var drawn = ahead.AsParallel().AsOrdered().WithCancellation(cancellation).Select(index => (Index: index, Puzzle: puzzles.At(index))).ToArray();
            foreach (var part in drawn.OrderBy(item => item.Puzzle.Code.Length).Chunk(batch))
            {
                cancellation.ThrowIfCancellationRequested();
                var solutions = solver.Solve([.. part.Select(item => new Question(item.Puzzle.Picture, item.Puzzle.Code))], cancellation: cancellation);
                Measurement[] measured = [.. part.Zip(solutions, (item, solution) => Measure(item.Index, item.Puzzle, solution))];
                results.Add(measured);
                progress(measured);
            }
        }
    }

    private static Measurement Measure(int index, LabelledPuzzle puzzle, Solution solution) => new()
    {
        Index = index,
        Name = puzzle.Name,
        Severity = puzzle.Severity,
        Expected = puzzle.Answer,
        Answer = solution.Answer,
        HardFailures = Verifiers.Check(solution.Reply, puzzle.Code).HardFailures,
        Signals = [.. Signals.Of(solution).Values],
        PuzzleHash = puzzle.Hash(),
    };
}

namespace Vlm.Files;

/// <summary>Answers the questions that an earlier, stopped run has not answered, in batches of questions that take about as long.</summary>
/// <param name="results">What is known already; every batch is kept there as soon as it is answered.</param>
/// <param name="batch">Questions answered together.</param>
/// <param name="draw">The question of a key; called from several threads.</param>
/// <param name="length">What an answer's length grows with, such as the symbols of a code.</param>
/// <param name="answer">One result for each question of a batch, in order.</param>
public sealed class ResumableRun<TKey, TQuestion, TResult>(
    ResultLines<TKey, TResult> results, int batch, Func<TKey, TQuestion> draw, Func<TQuestion, int> length,
    Func<IReadOnlyList<(TKey Key, TQuestion Question)>, IReadOnlyList<TResult>> answer)
    where TKey : notnull
{
    // Batches are filled from this many questions at a time, alike in length: a batch takes as long as its longest answer.
    private const int BatchesDrawnAhead = 8;

    /// <summary>How many of these questions are answered already.</summary>
    public int CountKnown(IReadOnlyList<TKey> wanted) => wanted.Count(results.Items.ContainsKey);

    /// <summary>Answers what is missing.</summary>
    /// <param name="wanted">The questions that there shall be answers to.</param>
    /// <param name="report">Called with the results of every batch, after they are kept.</param>
    /// <param name="stop">Ends the run between two batches.</param>
    /// <exception cref="StoppedException">It was ended; the message says how much is done and how to go on.</exception>
    public void Finish(IReadOnlyList<TKey> wanted, Action<IReadOnlyList<TResult>> report, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(report);
        try
        {
            AnswerMissing(wanted, report, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw new StoppedException($"Stopped after {CountKnown(wanted)} of {wanted.Count} puzzles. What is done is kept: give the same command to go on.");
        }
    }

    private void AnswerMissing(IReadOnlyList<TKey> wanted, Action<IReadOnlyList<TResult>> report, CancellationToken stop)
    {
        foreach (var ahead in wanted.Where(key => !results.Items.ContainsKey(key)).Chunk(batch * BatchesDrawnAhead))
        {
            // A photograph takes about as long to draw as to answer: on all processors, and while nothing else is timed.
            var drawn = ahead.AsParallel().AsOrdered().WithCancellation(stop).Select(key => (Key: key, Question: draw(key))).ToArray();
            foreach (var part in drawn.OrderBy(item => length(item.Question)).Chunk(batch))
            {
                stop.ThrowIfCancellationRequested();
                var answered = answer(part);
                results.Add(answered);
                report(answered);
            }
        }
    }
}

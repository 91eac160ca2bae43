using Vlm.Files;

namespace Vlm.CommandLine;

/// <summary>A resumable run of puzzles under a progress display.</summary>
public static class MeasuredRun
{
    /// <summary>Answers what is missing, and shows how far it is and how much of it was right.</summary>
    /// <param name="run">The run.</param>
    /// <param name="title">What is measured.</param>
    /// <param name="wanted">The puzzles that there shall be results of.</param>
    /// <param name="isRight">Whether a result is the right answer.</param>
    /// <param name="stop">Ends the run between two batches.</param>
    /// <exception cref="StoppedException">It was ended.</exception>
    public static void Finish<TKey, TQuestion, TResult>(
        this ResumableRun<TKey, TQuestion, TResult> run, string title, IReadOnlyList<TKey> wanted, Func<TResult, bool> isRight, CancellationToken stop)
        where TKey : notnull
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(wanted);
        var known = run.CountKnown(wanted);
        if (known > 0) Console.WriteLine($"{title}: {known} of {wanted.Count} puzzles were measured before.");
        var (seen, right) = (0, 0);
        Progress.Run(new ProgressPlan(title, wanted.Count, "puzzles") { Known = known }, progress => run.Finish(wanted, Show(progress), stop));

        Action<IReadOnlyList<TResult>> Show(Progress progress) => results =>
        {
            (seen, right) = (seen + results.Count, right + results.Count(isRight));
            progress.Add(results.Count, $"exact match {100.0 * right / seen:F2} %");
        };
    }
}

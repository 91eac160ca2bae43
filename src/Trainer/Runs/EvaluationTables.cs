using System.Text;
using Vlm.Puzzles;
using Vlm.Statistics;

namespace Vlm.Trainer.Runs;

/// <summary>Puzzles to scores, scores to a table; pure.</summary>
internal static class EvaluationTables
{
    public const string All = "all";

    private const int Resamples = 1000;

    /// <summary>Per split: by words, by severity where a camera took pictures, and all.</summary>
    public static IReadOnlyList<EvaluationScore> Scores(IEnumerable<EvaluatedPuzzle> puzzles)
        => [.. puzzles.GroupBy(puzzle => puzzle.Split).OrderBy(split => split.Key)
            .SelectMany(split => Groups(split).Select(group => Score(split.Key, group.Name, group.Puzzles)))];

    /// <summary>The groups of one split, named, all of it last.</summary>
    public static IEnumerable<(string Name, List<EvaluatedPuzzle> Puzzles)> Groups(IEnumerable<EvaluatedPuzzle> split)
    {
        var puzzles = split.ToList();
        foreach (var words in puzzles.GroupBy(puzzle => puzzle.Words).OrderBy(group => group.Key))
            yield return ($"{words.Key} word{(words.Key == 1 ? "" : "s")}", [.. words]);
        if (puzzles.Exists(puzzle => puzzle.Severity > 0))
        {
            foreach (var severity in puzzles.GroupBy(puzzle => puzzle.Severity).OrderBy(group => group.Key))
                yield return ($"severity {severity.Key}", [.. severity]);
        }
        yield return (All, puzzles);
    }

    public static string ToMarkdown(EvaluationSubject subject, IReadOnlyList<EvaluationScore> scores, IReadOnlyList<EvaluatedPuzzle> puzzles)
    {
        var text = new StringBuilder($"# {subject.Checkpoint}\n\n");
        var stratum = subject.Stratum.ToString().ToLowerInvariant();
        text.Append($"{subject.Count} puzzles a split, seed {subject.Seed}, camera severity {subject.Severity}, {stratum} pictures; ");
        text.Append($"greedy{(subject.Held ? ", held to the grammar" : "")}, float32, batches of {subject.Batch}; weights {subject.Weights[..12]}.\n\n");
        text.Append("| split | puzzles | right | of | exact match | 95 % interval |\n|---|---|---:|---:|---:|---|\n");
        foreach (var score in scores)
        {
            text.Append(
                $"| {Name(score.Split)} | {score.Group} | {score.Right} | {score.Count} | {100.0 * score.Right / score.Count:F2} % "
                + $"| {score.Low * 100:F2}–{score.High * 100:F2} % |\n");
        }
        text.Append("\nThe model's own confidence, the probability of its whole reply (intervals by bootstrap):\n\n");
        text.Append("| split | AUROC | 95 % interval | coverage at 1 % observed risk | 95 % interval |\n|---|---:|---|---:|---|\n");
        foreach (var split in puzzles.GroupBy(puzzle => puzzle.Split).OrderBy(split => split.Key))
        {
            ScoredAnswer[] answers = [.. split.Select(puzzle => new ScoredAnswer(puzzle.Confidence ?? 0, puzzle.Right))];
            var auroc = Bootstrap.Of(answers, Auroc.Of, Resamples, subject.Seed);
            var coverage = Bootstrap.Of(answers, sample => RiskCoverage.Of(sample).CoverageAt(0.01), Resamples, subject.Seed);
            text.Append($"| {Name(split.Key)} | {(auroc is { } a ? $"{a.Value:F4} | {a.Low:F4}–{a.High:F4}" : "– | –")} | ");
            text.Append($"{(coverage is { } c ? $"{c.Value * 100:F1} % | {c.Low * 100:F1}–{c.High * 100:F1} %" : "– | –")} |\n");
        }

        return text.ToString();
    }

    public static string Name(Split split) => split.ToString().ToLowerInvariant();

    private static EvaluationScore Score(Split split, string group, List<EvaluatedPuzzle> puzzles)
    {
        var right = puzzles.Count(puzzle => puzzle.Right);
        var interval = WilsonInterval.Of(right, puzzles.Count);
        return new EvaluationScore(split, group, right, puzzles.Count, interval.Low, interval.High);
    }
}

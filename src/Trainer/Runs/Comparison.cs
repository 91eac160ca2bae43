using System.Text;
using Vlm.Puzzles;
using Vlm.Statistics;

namespace Vlm.Trainer.Runs;

/// <summary>How two models do on the same puzzles of one group.</summary>
/// <param name="Split">The split.</param>
/// <param name="Group"><c>all</c>, <c>1 word</c>, <c>severity 2</c>, …</param>
/// <param name="Both">Both are right.</param>
/// <param name="OnlyA">The first alone is.</param>
/// <param name="OnlyB">The second alone is.</param>
/// <param name="Neither">None is.</param>
public sealed record PairedCounts(Split Split, string Group, int Both, int OnlyA, int OnlyB, int Neither)
{
    /// <summary>How likely so large a difference is between models that are equally good.</summary>
    public double P => McNemar.ExactP(OnlyA, OnlyB);

    /// <summary>Share of A minus share of B.</summary>
    public PairedDifference Difference => PairedDifference.Of(Both, OnlyA, OnlyB, Neither);
}

/// <summary>Two evaluations of the same puzzles, side by side; pure.</summary>
internal static class Comparison
{
    /// <summary>Counts per split and group.</summary>
    /// <exception cref="InvalidDataException">The evaluations are not about the same puzzles.</exception>
    public static IReadOnlyList<PairedCounts> Of(EvaluationFile a, EvaluationFile b)
    {
        EnsureSame(a, b);
        var right = b.Puzzles.Where(puzzle => puzzle.Right).Select(puzzle => (puzzle.Split, puzzle.Index)).ToHashSet();
        return [.. a.Puzzles.GroupBy(puzzle => puzzle.Split).OrderBy(split => split.Key)
            .SelectMany(split => EvaluationTables.Groups(split).Select(group => Count(split.Key, group.Name, group.Puzzles, right)))];
    }

    public static string ToMarkdown(EvaluationSubject a, EvaluationSubject b, IReadOnlyList<PairedCounts> counts)
    {
        var text = new StringBuilder(
            $"A: {a.Checkpoint} ({a.Weights[..12]}). B: {b.Checkpoint} ({b.Weights[..12]}). Seed {a.Seed}, {a.Count} puzzles a split.\n\n");
        text.Append(
            "| split | puzzles | both right | only A | only B | neither | A | B | A − B | 95 % interval | McNemar p |\n"
            + "|---|---|---:|---:|---:|---:|---:|---:|---:|---|---:|\n");
        foreach (var row in counts)
        {
            double n = row.Both + row.OnlyA + row.OnlyB + row.Neither;
            var difference = row.Difference;
            text.Append($"| {EvaluationTables.Name(row.Split)} | {row.Group} | {row.Both} | {row.OnlyA} | {row.OnlyB} | {row.Neither} ");
            text.Append($"| {100 * (row.Both + row.OnlyA) / n:F2} % | {100 * (row.Both + row.OnlyB) / n:F2} % ");
            text.Append(
                $"| {difference.Value * 100:+0.00;−0.00;0.00} | {difference.Low * 100:+0.00;−0.00;0.00} to {difference.High * 100:+0.00;−0.00;0.00} "
                + $"| {row.P:G3} |\n");
        }
        return text.ToString();
    }

    private static PairedCounts Count(Split split, string group, List<EvaluatedPuzzle> puzzles, HashSet<(Split, long)> rightInB)
    {
        int At(bool a, bool b) => puzzles.Count(puzzle => puzzle.Right == a && rightInB.Contains((puzzle.Split, puzzle.Index)) == b);
        return new PairedCounts(split, group, At(true, true), At(true, false), At(false, true), At(false, false));
    }

    /// <summary>The same splits and indices, and under each index the same code and kind of picture; the first difference is named.</summary>
    private static void EnsureSame(EvaluationFile a, EvaluationFile b)
    {
        if (a.Subject.Seed != b.Subject.Seed) throw Other($"seed {a.Subject.Seed} in A, {b.Subject.Seed} in B");
        var others = b.Puzzles.ToDictionary(puzzle => (puzzle.Split, puzzle.Index));
        foreach (var puzzle in a.Puzzles)
        {
            var name = $"{EvaluationTables.Name(puzzle.Split)} {puzzle.Index}";
            if (!others.Remove((puzzle.Split, puzzle.Index), out var other)) throw Other($"puzzle {name} is in A alone");
            if ((puzzle.Code, puzzle.Kind, puzzle.Severity) != (other.Code, other.Kind, other.Severity))
            {
                throw Other(
                    $"puzzle {name} is '{puzzle.Code}' ({puzzle.Kind}, severity {puzzle.Severity}) in A, "
                        + $"'{other.Code}' ({other.Kind}, severity {other.Severity}) in B");
            }
        }
        if (others.Count > 0) throw Other($"puzzle {EvaluationTables.Name(others.Keys.First().Split)} {others.Keys.First().Index} is in B alone");
    }

    private static InvalidDataException Other(string difference) =>
        new($"The two evaluations are not about the same puzzles: {difference}. Evaluate both with the same --splits, --count, --seed and --severity.");
}

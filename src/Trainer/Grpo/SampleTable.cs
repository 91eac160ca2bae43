using System.Text;

namespace Vlm.Trainer.Grpo;

/// <summary>Sampled completions with their rewards, to look at: a file per table, so that a resumed run writes the same ones again.</summary>
internal static class SampleTable
{
    private const int MostGroups = 4, MostPerGroup = 4, ConsoleWidth = 100;

    /// <summary>Writes <c>samples/&lt;step&gt;.md</c> under the run's folder.</summary>
    public static void Write(string folder, long step, CollectedRollouts rollouts)
    {
        var path = Path.Combine(folder, "samples", $"{step:D7}.md");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, Markdown(step, rollouts));
    }

    /// <summary>A table per group, those with signal first.</summary>
    public static string Markdown(long step, CollectedRollouts rollouts)
    {
        var text = new StringBuilder().AppendLine($"# Completions of step {step}");
        foreach (var group in Shown(rollouts))
        {
            var puzzle = group.Puzzle;
            var names = group.Terms.Keys.ToList();
            text.AppendLine().AppendLine($"**{puzzle.Answer}** (`{puzzle.Code}`, {puzzle.Kind}, severity {puzzle.Severity})").AppendLine()
                .AppendLine($"| total | {string.Join(" | ", names)} | tokens | completion |")
                    .AppendLine($"|{string.Concat(Enumerable.Repeat("---|", names.Count + 3))}");
            foreach (var g in WorstAndBest(group.Totals))
            {
                var rollout = group.Rollouts[g];
                var rewards = string.Join(" | ", names.Select(name => $"{group.Terms[name][g]:F3}"));
                text.AppendLine($"| {group.Totals[g]:F3} | {rewards} | {rollout.Ids.Length}{(rollout.Truncated ? " (cut)" : "")} | {OneLine(rollout.Text)} |");
            }
        }
        return text.ToString();
    }

    /// <summary>The same for the console, shorter: one line per completion of the first group.</summary>
    public static IEnumerable<string> Lines(CollectedRollouts rollouts)
    {
        var group = Shown(rollouts).First();
        yield return $"  {group.Puzzle.Answer} ({group.Puzzle.Kind})";
        foreach (var g in WorstAndBest(group.Totals))
        {
            // The end of a completion holds what is rewarded.
            var line = OneLine(group.Rollouts[g].Text);
            yield return $"    {group.Totals[g]:F3}  {(line.Length > ConsoleWidth ? "…" + line[^ConsoleWidth..] : line)}";
        }
    }

    private static IEnumerable<RolloutGroup> Shown(CollectedRollouts rollouts)
        => rollouts.All.OrderBy(g => DynamicSampling.HasSignal(g.Totals) ? 0 : 1).Take(MostGroups);

    private static int[] WorstAndBest(double[] totals)
    {
        int[] order = [.. Enumerable.Range(0, totals.Length).OrderBy(g => totals[g])];
        return order.Length <= MostPerGroup ? order : [.. order[..(MostPerGroup / 2)], .. order[^(MostPerGroup / 2)..]];
    }

    private static string OneLine(string text) => text.ReplaceLineEndings("⏎").Replace("|", "\\|", StringComparison.Ordinal);
}

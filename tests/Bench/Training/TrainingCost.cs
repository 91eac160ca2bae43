using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Vlm.Bench.Training;

/// <summary>What the steps of a run of reinforcement learning cost and brought, on average.</summary>
/// <param name="Run">Its folder's name.</param>
/// <param name="Steps">Steps that were counted.</param>
/// <param name="Completions">Sampled in them.</param>
/// <param name="Seconds">Wall time of them.</param>
/// <param name="CpuSeconds">Processor time of them; null in runs that did not log it.</param>
/// <param name="SampleSeconds">Wall time in the sampler.</param>
/// <param name="Decisions">Tokens per completion that the policy chose.</param>
/// <param name="Signal">Share of groups whose completions were rewarded differently.</param>
/// <param name="Entropy">Of a decision, in nats.</param>
internal sealed record TrainingCost(
    string Run, int Steps, double Completions, double Seconds, double? CpuSeconds, double SampleSeconds, double Decisions, double Signal, double Entropy)
{
    /// <summary>Reads a run's <c>metrics.jsonl</c>.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="skip">Steps at the beginning that are not counted: the first ones warm up.</param>
    /// <exception cref="UserException">There is no log, or it has no such steps.</exception>
    public static TrainingCost Read(string folder, int skip)
    {
        var path = Path.Combine(folder, "metrics.jsonl");
        if (!File.Exists(path)) throw new UserException($"There is no '{path}'. Give the folder of a run of `grpo`, such as runs/grpo-demo.");
        var steps = File.ReadLines(path).Select(line => Numbers(path, line)).Where(step => step.ContainsKey("grpo/time/step_s")).Skip(skip).ToList();
        if (steps.Count == 0) throw new UserException($"'{path}' has no steps of `grpo` after the first {skip}. Let the run go on, or skip fewer (--skip).");
        var seconds = steps.Sum(step => step["grpo/time/step_s"]);
        return new TrainingCost(
            Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), steps.Count,
            steps.Sum(step => step["grpo/completions_per_s"] * step["grpo/time/sample_s"]), seconds,
            steps.TrueForAll(step => step.ContainsKey("grpo/time/cpu_s")) ? steps.Sum(step => step["grpo/time/cpu_s"]) : null,
            steps.Sum(step => step["grpo/time/sample_s"]),
            steps.Average(step => step.GetValueOrDefault("grpo/decisions", step["grpo/length_mean"])),
            1 - steps.Average(step => step["grpo/groups_without_signal"]), steps.Average(step => step.GetValueOrDefault("grpo/entropy")));
    }

    /// <summary>A table, one row a run; speeds are those of whole steps, and as multiples of the first run's.</summary>
    public static string Markdown(IReadOnlyList<TrainingCost> runs, string machine)
    {
        var text = new StringBuilder("# Steps of reinforcement learning\n\n").Append(CultureInfo.InvariantCulture, $"{machine}. Speeds are of whole steps.\n\n")
            .Append("| run | steps | completions/s | per CPU second | times the first | time in the sampler | decisions per completion ")
            .Append("| groups with signal | entropy |\n")
            .Append("|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        foreach (var run in runs)
        {
            var (cpu, times) = (Per(run.Completions, run.CpuSeconds), Times(run, runs[0]));
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {run.Run} | {run.Steps} | {run.Completions / run.Seconds:F1} | {cpu} | {times} | {run.SampleSeconds / run.Seconds * 100:F0} % | "
                + $"{run.Decisions:F1} | {run.Signal * 100:F0} % | {run.Entropy:F3} |\n");
        }
        return text.ToString();
    }

    /// <summary>By processor time where both have it: wall time beside other work says little.</summary>
    private static string Times(TrainingCost run, TrainingCost first)
    {
        var ratio = run.CpuSeconds is { } cpu && first.CpuSeconds is { } its
            ? run.Completions / cpu / (first.Completions / its)
            : run.Completions / run.Seconds / (first.Completions / first.Seconds);
        return ratio.ToString("F1", CultureInfo.InvariantCulture);
    }

    private static string Per(double completions, double? seconds)
        => seconds is { } known ? (completions / known).ToString("F1", CultureInfo.InvariantCulture) : "–";

    private static Dictionary<string, double> Numbers(string path, string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.EnumerateObject().Where(member => member.Value.ValueKind == JsonValueKind.Number)
                .ToDictionary(member => member.Name, member => member.Value.GetDouble());
        }
        catch (JsonException error)
        {
            throw new UserException($"'{path}' has a line that is no metrics line: {error.Message}");
        }
    }
}

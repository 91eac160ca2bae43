using System.Diagnostics;
using System.Text.Json;
using Vlm.Trainer.Config;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Grpo;

/// <summary>What a step's samples look like, as numbers by name.</summary>
internal static class GrpoMetrics
{
    /// <summary>Of everything that was sampled for a step, not only of what was learned from.</summary>
    public static IReadOnlyDictionary<string, double> Of(CollectedRollouts rollouts)
    {
        var metrics = new Dictionary<string, double>();
        foreach (var name in rollouts.All.SelectMany(g => g.Terms.Keys).Distinct()) AddReward(metrics, name, rollouts.All.SelectMany(g => g.Terms[name]));
        AddReward(metrics, "total", rollouts.All.SelectMany(g => g.Totals));
        metrics["groups_without_signal"] = rollouts.All.Average(g => DynamicSampling.HasSignal(g.Totals) ? 0.0 : 1);
        metrics["groups_learned"] = rollouts.Learned.Count(g => DynamicSampling.HasSignal(g.Totals));
        metrics["sampling_rounds"] = rollouts.Rounds;
        foreach (var end in Enum.GetValues<SamplingEnd>()) metrics[$"sampling_end/{Label(end)}"] = end == rollouts.End ? 1 : 0;
        metrics["decisions"] = rollouts.Completions.Average(r => r.Decisions);
        metrics["entropy"] = rollouts.Completions.Sum(r => r.Entropy) / rollouts.Completions.Sum(r => r.Decisions);
        metrics["length_mean"] = rollouts.Completions.Average(r => r.Ids.Length);
        metrics["length_max"] = rollouts.Completions.Max(r => r.Ids.Length);
        metrics["truncated"] = rollouts.Completions.Average(r => r.Truncated ? 1.0 : 0);
        return metrics;
    }

    private static string Label(SamplingEnd end) => JsonNamingPolicy.SnakeCaseLower.ConvertName(end.ToString());

    private static void AddReward(Dictionary<string, double> metrics, string name, IEnumerable<double> rewards)
    {
        var values = rewards.ToArray();
        var mean = values.Average();
        metrics[$"reward/{name}"] = mean;
        metrics[$"reward_std/{name}"] = values.Length < 2 ? 0 : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
    }
}

/// <summary>Where the time of a step goes.</summary>
internal sealed class StepTimer
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly TimeSpan _used = Environment.CpuUsage.TotalTime;

    /// <summary>Seconds of the step so far, of all processors together, of sampling; completions per second while sampling and over the whole step.</summary>
    public IEnumerable<KeyValuePair<string, double>> Of(CollectedRollouts rollouts, TimeSpan waited)
    {
        yield return new("time/step_s", Stopwatch.GetElapsedTime(_began).TotalSeconds);
        yield return new("time/cpu_s", (Environment.CpuUsage.TotalTime - _used).TotalSeconds);
        yield return new("time/sample_s", rollouts.Took.TotalSeconds);
        yield return new("time/waited_for_pictures_s", waited.TotalSeconds);
        yield return new("completions_per_s", rollouts.Completions.Count() / rollouts.Took.TotalSeconds);
        yield return new("completions_per_s_of_step", rollouts.Completions.Count() / Stopwatch.GetElapsedTime(_began).TotalSeconds);
    }
}

/// <summary>The pictures of a run's curves.</summary>
internal static class GrpoPlots
{
    private static readonly string[] ProbeKinds = ["words_1", "words_2", "words_3", "letters", "fonts", "camera"];

    public static void Draw(RunLog log, GrpoConfig config)
    {
        log.Plot("rewards", new PlotStyle("Rewards (mean of a step's samples)", Smoothing: 0.9),
            [.. config.Rewards.Terms.Select(term => $"grpo/reward/{RewardTerm.Label(term.Name)}")]);
        log.Plot("exact", new PlotStyle("Exact match of greedy replies on the probe"), [.. ProbeKinds.Select(kind => $"grpo/exact_{kind}")]);
        log.Plot("policy", new PlotStyle("Policy", IsLog: true, Smoothing: 0.9), "grpo/entropy", "grpo/kl", "grpo/gradient_norm", "grpo/sampler_difference",
            "grpo/clip_low", "grpo/clip_high");
        log.Plot("signal", new PlotStyle("Groups without signal, truncated completions (share)", Smoothing: 0.9), "grpo/groups_without_signal",
            "grpo/truncated");
        log.Plot("length", new PlotStyle("Tokens per completion", Smoothing: 0.9), "grpo/length_mean", "grpo/length_max");
    }
}

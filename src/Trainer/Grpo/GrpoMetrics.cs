using System.Text.Json;

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

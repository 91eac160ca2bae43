using Vlm.Trainer.Config;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Grpo;

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

using System.Globalization;
using System.Text;
using Vlm.Files;
using Vlm.Trainer.Config;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Grpo;

/// <summary><c>run.md</c>: what a run is and how far it got, for the one who finds its folder.</summary>
internal static class GrpoNote
{
    /// <summary>Writes the note in the place of an older one.</summary>
    public static void Write(string folder, GrpoConfig config, GrpoState state, ComputeChoice choice)
        => AtomicFile.Write(Path.Combine(folder, "run.md"), Markdown(config, state, choice, SourceCommit.Current()));

    /// <summary>The note; pure.</summary>
    public static string Markdown(GrpoConfig config, GrpoState state, ComputeChoice choice, string? commit)
    {
        var completions = state.Step * config.PromptsPerStep * config.GroupSize;
        (string What, string Value)[] facts =
        [
            ("reinforces", $"`{config.From}`"),
            ("steps", string.Create(
                CultureInfo.InvariantCulture,
                $"{state.Step} of {config.Steps}, {completions:N0} completions ({config.PromptsPerStep} prompts × {config.GroupSize}), without replacements")),
            ("replies", config.Rollouts == RolloutKind.Held
                ? "held to the grammar: open letters are drawn and learned"
                : "free: every token is drawn and learned"),
            ("trained", config.Trains == TrainedPart.Decoder ? "the decoder" : config.Lora is null ? "everything" : "adapters"),
            ("rewards", string.Join(", ", config.Rewards.Terms.Select(term => string.Create(
                CultureInfo.InvariantCulture, $"{RewardTerm.Label(term.Name)} × {term.Weight}")))),
            ("step size", config.LearningRate.ToString(CultureInfo.InvariantCulture)),
            ("seed", config.Seed.ToString(CultureInfo.InvariantCulture)),
            ("exact match on the last probe, clean", state.ExactMatch is { } exact
                ? string.Create(CultureInfo.InvariantCulture, $"{exact * 100:F1} %")
                : "none yet"),
            ("computed in", choice.Types.ToString()),
            ("source", commit ?? "unknown"),
        ];
        var text = new StringBuilder($"# {config.Name}\n\nA run of `grpo`. The same command goes on from the checkpoint.\n\n| | |\n|---|---|\n");
        foreach (var (what, value) in facts) text.Append(CultureInfo.InvariantCulture, $"| {what} | {value} |\n");
        return text.Append(
            "\n`config.json` the configuration as it was understood · `metrics.jsonl` numbers of every step · `plots/` curves ·\n" +
            "`samples/` completions with rewards · `checkpoint/` the weights as every command takes them ·\n" +
            "`checkpoint/training/` what going on needs, and nothing else does.\n").ToString();
    }
}

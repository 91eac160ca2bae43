using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Trainer.Checkpoints;

namespace Vlm.Trainer.Commands;

/// <summary><c>random --preset &lt;name&gt; --to &lt;folder&gt;</c>: a checkpoint of a public model's shapes with random weights.</summary>
internal static class RandomCommand
{
    private const int Gigabyte = 1_000_000_000;

    public static Command Create()
    {
        var preset = CheckedOption.Read<string>(
            "--preset", "The model whose shapes it has.", PublicPreset.Names[0], TryReadPreset, $"one of {string.Join(", ", PublicPreset.Names)}");
        preset.HelpName = string.Join('|', PublicPreset.Names);
        var target = new Option<string>("--to") { Description = "Folder for the checkpoint; must not exist.", Required = true };
        var tokenizer = new Option<string?>("--tokenizer")
        {
            Description = "Folder with the model's tokenizer.json and tokenizer_config.json, which are copied; without it the checkpoint has no tokenizer.",
        };
        var seed = new Option<long>("--seed") { Description = "Decides every weight.", DefaultValueFactory = _ => 1 };
        var shard = CheckedOption.Positive("--shard-gigabytes", "Gigabytes of one file at most.", 4, most: 1000);
        var command = new Command("random", "Write a checkpoint of a public model's shapes with random weights, to try what the real one takes.")
        {
            preset, target, tokenizer, seed, shard,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var shardBytes = (long)parsed.GetValue(shard) * Gigabyte;
            var config = PublicPreset.Config(parsed.GetRequiredValue(preset));
            var plan = new RandomCheckpointPlan(config, parsed.GetValue(seed), shardBytes, parsed.GetValue(tokenizer));
            Run(plan, parsed.GetRequiredValue(target), cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(RandomCheckpointPlan plan, string target, CancellationToken cancellation)
    {
        var parameters = RandomCheckpoint.Parameters(plan.Config);
        Progress.Run(new ProgressPlan("random weights", parameters * 2 / 1_000_000, "MB"), progress =>
        {
            var bytes = 0L;
            RandomCheckpoint.Write(
                plan, target,
                written =>
                {
                    var before = bytes / 1_000_000;
                    bytes += written;
                    if (bytes / 1_000_000 > before) progress.Add((bytes / 1_000_000) - before);
                },
                cancellation);
        });
        Console.WriteLine($"{parameters:N0} parameters written to {target}");
    }

    private static bool TryReadPreset(string text, out string preset)
    {
        preset = text;
        return PublicPreset.Names.Contains(text);
    }
}

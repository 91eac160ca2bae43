using System.CommandLine;
using System.Text.Json;
using Vlm.CommandLine;

namespace Vlm.Bench.Training;

/// <summary><c>train &lt;run&gt; …</c>: what the steps of runs of reinforcement learning cost, side by side.</summary>
internal static class TrainCommand
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static Command Create()
    {
        var runs = new Argument<string[]>("runs") { Description = "Folders of runs of `grpo` on this machine.", Arity = ArgumentArity.OneOrMore };
        var skip = CheckedOption.Positive("--skip", "Steps at the beginning that are not counted.", 1);
        var results = ReportFolder.Option();
        var command = new Command("train", "Completions per second of runs of reinforcement learning, side by side.") { runs, skip, results };
        command.SetAction(parsed =>
        {
            TrainingCost[] costs = [.. parsed.GetRequiredValue(runs).Select(run => TrainingCost.Read(run, parsed.GetValue(skip)))];
            var markdown = TrainingCost.Markdown(costs, ThisMachine.Line);
            Console.WriteLine(markdown);
            var folder = Path.Combine(parsed.GetRequiredValue(results), ThisMachine.Folder);
            var name = $"train-{string.Join('-', costs.Select(cost => cost.Run))}";
            Console.WriteLine($"Saved as {ReportFolder.Save(folder, name, JsonSerializer.Serialize(costs, Json), markdown)}");
        });
        return command;
    }
}

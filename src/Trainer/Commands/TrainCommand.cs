using System.CommandLine;
using Vlm.Model;
using Vlm.Trainer.Config;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Supervised;

namespace Vlm.Trainer.Commands;

/// <summary><c>train &lt;config&gt;</c>: supervised stages from nothing, or on from where the run was stopped.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("config") { Description = "Training configuration, such as configs/edge.json." };
        var runs = new Option<string>("--runs") { Description = "Folder that holds the runs.", DefaultValueFactory = _ => "runs" };
        var threads = new Option<int?>("--threads") { Description = "Threads for tensor arithmetic, instead of the configuration's." };
        var command = new Command("train", "Train a model on endless seeded puzzles. Run it again after a stop: it goes on to the bit.") { file, runs, threads };
        command.SetAction((parsed, stop) => Task.FromResult(Run(parsed.GetValue(file)!, parsed.GetValue(runs)!, parsed.GetValue(threads), stop)));
        return command;
    }

    private static int Run(string file, string runs, int? threads, CancellationToken stop)
    {
        try
        {
            var config = TrainConfig.Load(file);
            if (threads is { } count) config = config with { Threads = count };
            var folder = new RunFolder(Path.Combine(runs, config.Name));
            Directory.CreateDirectory(folder.Path);
            config.Save(Path.Combine(folder.Path, "config.json"));
            using var run = new SupervisedRun(config, folder);
            Console.WriteLine($"{config.Name}: {run.ParameterCount:N0} parameters, run folder {folder.Path}, {run.Start}");
            Console.WriteLine($"  {run.Compute}");
            run.Run(stop);
            return 0;
        }
        catch (Exception error) when (error is CheckpointException or InvalidDataException or IOException or InvalidOperationException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(error.Message);
            return 1;
        }
    }
}

using System.CommandLine;
using Vlm.Model;
using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Commands;

/// <summary><c>grpo &lt;config&gt;</c>: reinforcement learning from a checkpoint, or on from where the run was stopped.</summary>
internal static class GrpoCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("config") { Description = "GRPO configuration, such as configs/grpo-edge.json." };
        var runs = new Option<string>("--runs") { Description = "Folder that holds the runs.", DefaultValueFactory = _ => "runs" };
        var threads = new Option<int?>("--threads") { Description = "Threads for tensor arithmetic, instead of the configuration's." };
        var command = new Command("grpo", "Train a checkpoint by group-relative policy optimisation. Run it again after a stop: it goes on to the bit.") { file, runs, threads };
        command.SetAction((parsed, stop) => Task.FromResult(Run(parsed.GetValue(file)!, parsed.GetValue(runs)!, parsed.GetValue(threads), stop)));
        return command;
    }

    private static int Run(string file, string runs, int? threads, CancellationToken stop)
    {
        try
        {
            var config = GrpoConfig.Load(file);
            if (threads is { } count) config = config with { Threads = count };
            var folder = new RunFolder(Path.Combine(runs, config.Name));
            Directory.CreateDirectory(folder.Path);
            config.Save(Path.Combine(folder.Path, "config.json"));
            using var run = new GrpoRun(config, folder);
            Console.WriteLine($"{config.Name}: {run.ParameterCount:N0} parameters, {config.PromptsPerStep} x {config.GroupSize} completions per step, run folder {folder.Path}");
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

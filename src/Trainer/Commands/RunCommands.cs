using System.CommandLine;
using Vlm.Trainer.Config;
using Vlm.Trainer.Finder;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Supervised;

namespace Vlm.Trainer.Commands;

/// <summary><c>train</c> and <c>grpo</c>: a run from its configuration, or on from where it was stopped.</summary>
internal static class RunCommands
{
    /// <summary>Supervised stages.</summary>
    public static Command Train() => Create(
        "train", "Train a model on endless seeded puzzles. Run it again after a stop: it goes on to the bit.",
        "Training configuration, such as configs/edge.json.", Supervised);

    /// <summary>Reinforcement learning.</summary>
    public static Command Grpo() => Create(
        "grpo", "Train a checkpoint by group-relative policy optimisation. Run it again after a stop: it goes on to the bit.",
        "GRPO configuration, such as configs/grpo-edge.json.", Reinforced);

    /// <summary>The sheet finder.</summary>
    public static Command Finder() => Create(
        "finder", "Train the sheet finder on endless seeded scenes. Run it again after a stop: it goes on to the bit.",
        "Configuration, such as configs/finder.json.", Finding, onDevices: false);

    /// <param name="name">The verb.</param>
    /// <param name="description">What it does.</param>
    /// <param name="configuration">What the argument is.</param>
    /// <param name="run">Does it.</param>
    /// <param name="onDevices">Whether it can run on something else than the processor; the option is refused where it cannot.</param>
    private static Command Create(
        string name, string description, string configuration, Action<RunRequest, CancellationToken> run, bool onDevices = true)
    {
        var file = new Argument<string>("config") { Description = configuration };
        var runs = new Option<string>("--runs") { Description = "Folder that holds the runs.", DefaultValueFactory = _ => "runs" };
        var threads = new Option<int?>("--threads") { Description = "Threads for tensor arithmetic, instead of the configuration's." };
        var device = new Option<string?>("--device") { Description = "cpu, or cuda:0 where TorchSharp has it, instead of the configuration's." };
        var command = new Command(name, description) { file, runs, threads };
        if (onDevices) command.Add(device);
        command.SetAction((parsed, stop) =>
        {
            var request = new RunRequest(
                parsed.GetRequiredValue(file), parsed.GetRequiredValue(runs), parsed.GetValue(threads), onDevices ? parsed.GetValue(device) : null);
            run(request, stop);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Supervised(RunRequest request, CancellationToken stop)
    {
        var config = TrainConfig.Load(request.File);
        config = config with { Threads = request.Threads ?? config.Threads, Device = request.Device ?? config.Device };
        var folder = request.Open(config.Name, config.Save);
        using var run = new SupervisedRun(config, folder);
        Console.WriteLine($"{config.Name}: {run.ParameterCount:N0} parameters, run folder {folder.Path}, {run.Start}");
        Console.WriteLine($"  {run.Choice}");
        run.Run(stop);
    }

    private static void Finding(RunRequest request, CancellationToken stop)
    {
        var config = FinderConfig.Load(request.File);
        config = config with { Threads = request.Threads ?? config.Threads };
        var folder = request.Open(config.Name, path => TrainJson.Save(path, config));
        using var run = new FinderRun(config, folder);
        Console.WriteLine($"{config.Name}: {run.ParameterCount:N0} parameters, {config.Batch} scenes per step, run folder {folder.Path}, from step {run.Step}");
        run.Run(stop);
    }

    private static void Reinforced(RunRequest request, CancellationToken stop)
    {
        var config = GrpoConfig.Load(request.File);
        config = config with { Threads = request.Threads ?? config.Threads, Device = request.Device ?? config.Device };
        var folder = request.Open(config.Name, config.Save);
        using var run = new GrpoRun(config, folder);
        var step = $"{config.PromptsPerStep} x {config.GroupSize} completions per step";
        Console.WriteLine($"{config.Name}: {run.ParameterCount:N0} parameters, {step}, run folder {folder.Path}");
        Console.WriteLine($"  {run.Choice}");
        run.Run(stop);
    }

    /// <summary>What the command line asks for; null leaves it to the configuration.</summary>
    private sealed record RunRequest(string File, string Runs, int? Threads, string? Device)
    {
        /// <summary>The run's folder, with the configuration as it was understood in it.</summary>
        public RunFolder Open(string name, Action<string> save)
        {
            var folder = new RunFolder(Path.Combine(Runs, name));
            Directory.CreateDirectory(folder.Path);
            save(Path.Combine(folder.Path, "config.json"));
            return folder;
        }
    }
}

using Vlm.Model;
using Vlm.Puzzles;
using Vlm.Trainer.Config;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Supervised;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Supervised;

[Collection("seeded")]
public sealed class SupervisedRunTests : IDisposable
{
    private static readonly string Config = Path.Combine(Repository.Root, "configs", "test.json");
    private readonly string _runs = Directory.CreateTempSubdirectory("runs").FullName;

    [Fact]
    public void A_run_killed_in_the_middle_goes_on_to_the_same_bits_as_one_never_stopped()
    {
        var unbroken = Path.Combine(_runs, "unbroken");
        var killed = Path.Combine(_runs, "killed");
        Assert.Equal(0, Train(unbroken));
        Assert.NotEqual(0, Train(killed, atStep: 3));   // the last checkpoint is of step 2, within the second stage's reach
        Assert.Equal(0, Train(killed));

        Assert.Equal(Weights(unbroken), Weights(killed));
        var (a, b) = (Metrics(unbroken), Metrics(killed));
        Assert.Equal(a.Select(l => l.Step), b.Select(l => l.Step));
        Assert.Equal(a.Select(l => l.Values["train/loss"]), b.Select(l => l.Values["train/loss"]));
        Assert.All(a.SelectMany(l => l.Values), value => Assert.True(double.IsFinite(value.Value), value.ToString()));
        Assert.True(File.Exists(Path.Combine(killed, "test", "plots", "loss.png")));
        Assert.Contains("| words_2 |", File.ReadAllText(Path.Combine(killed, "test", "evaluation.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tower_stage_after_one_that_trained_everything_leaves_the_decoder_alone_and_goes_on_to_the_bit_when_resumed()
    {
        var both = Tiny("everything", 2) with { Stages = [Stage("everything", 2), Stage("tower", 2)] };
        var unbroken = Finish(both, "unbroken");
        // Stopped after the first step of the second stage: its step size is constant, so a shorter stage takes the same step.
        Finish(both with { Stages = [both.Stages[0], both.Stages[1] with { Steps = 1 }] }, "stopped");
        var resumed = Finish(both, "stopped");
        foreach (var file in (string[])["model.safetensors", "training/optimizer.safetensors", "training/auxiliary.safetensors"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(unbroken, file)), File.ReadAllBytes(Path.Combine(resumed, file)));

        var first = Finish(both with { Stages = [both.Stages[0]] }, "first stage");
        using var before = SafeTensors.Open(Path.Combine(first, "model.safetensors"));
        using var after = SafeTensors.Open(Path.Combine(unbroken, "model.safetensors"));
        foreach (var name in after.Names)
        {
            var isTower = name.StartsWith("visual.", StringComparison.Ordinal);
            Assert.True(isTower != before.ReadFloats(name).AsSpan().SequenceEqual(after.ReadFloats(name)), $"{name} {(isTower ? "stood still" : "was moved")}");
        }
    }

    [Fact]
    public void A_batch_without_labels_has_no_loss_and_no_number_that_is_none()
    {
        using var scope = NewDisposeScope();
        var config = TrainConfig.Load(Config);
        using var model = new QwenVl(ModelPreset.Config(config.Model));
        using var heads = new AuxiliaryHeads(model.Config, Compute.Exact);
        InitialWeights.Draw(model);
        InitialWeights.Draw(heads);
        var puzzle = new PuzzleSource(PuzzleOptions.For(Split.Clean), 1).At(0) with { Pairs = [] };   // as when all of them are out of the picture
        var batch = new TrainingBatch([LabelledPatches.Of(puzzle, ModelPreset.Pictures(config))], []);
        var (loss, metrics) = new SupervisedLoss(model, heads, new LossWeights { Glyphs = 1, Pairs = 1 }).Of(batch);
        Assert.Null(loss);
        Assert.Equal(["loss"], metrics.Keys);
        Assert.Equal(0, metrics["loss"]);
    }

    [Theory]
    [InlineData(0, 0.1), InlineData(4, 0.5), InlineData(100, 0.02)]
    public void The_step_size_rises_over_the_warm_up_and_falls_along_a_cosine(long step, double expected)
    {
        var stage = TrainConfig.Load(Config).Stages[^1] with { Steps = 100, WarmUp = 10, LearningRate = 1, FinalShare = 0.02 };
        Assert.Equal(expected, SupervisedRun.LearningRate(stage, step), 2);
    }

    [Fact]
    public void A_configuration_with_an_unknown_member_is_refused_by_name()
    {
        var file = Path.Combine(_runs, "bad.json");
        File.WriteAllText(file, File.ReadAllText(Config).Replace("\"seed\"", "\"sead\"", StringComparison.Ordinal));
        Assert.Contains("sead", Assert.Throws<InvalidDataException>(() => TrainConfig.Load(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stage_that_trains_the_tower_alone_cannot_weigh_the_reply()
    {
        var file = Path.Combine(_runs, "bad.json");
        File.WriteAllText(file, File.ReadAllText(Config).Replace("\"pairs\": 1 }", "\"pairs\": 1, \"reply\": 1 }", StringComparison.Ordinal));
        Assert.Contains("stage 'reading'", Assert.Throws<InvalidDataException>(() => TrainConfig.Load(file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("edge-base.json"), InlineData("edge-reading.json"), InlineData("edge.json"), InlineData("escalation.json"), InlineData("test.json")]
    public void Every_shipped_configuration_loads(string name)
        => Assert.NotEmpty(TrainConfig.Load(Path.Combine(Path.GetDirectoryName(Config)!, name)).Stages);

    public void Dispose() => Directory.Delete(_runs, recursive: true);

    private static TrainConfig Tiny(string name, int checkpointEvery)
        => TrainConfig.Load(Config) with { Name = name, CheckpointEvery = checkpointEvery, ProbeEvery = 100 };

    /// <summary>A stage with a constant step size.</summary>
    private static StageConfig Stage(string part, int steps)
        => TrainConfig.Load(Config).Stages[part == "tower" ? 0 : 1] with { Steps = steps, WarmUp = 1, FinalShare = 1 };

    /// <summary>Runs, or goes on with, a run in this process; returns its checkpoint.</summary>
    private string Finish(TrainConfig config, string name)
    {
        var folder = new RunFolder(Path.Combine(_runs, name));
        using var run = new SupervisedRun(config, folder);
        run.Run(CancellationToken.None);
        return folder.Checkpoint;
    }

    private static int Train(string folder, int? atStep = null, string signal = "KILL") =>
        TrainerProcess.Run(["train", Config, "--runs", folder], Path.Combine(folder, "test", "metrics.jsonl"), atStep, signal);

    private static byte[] Weights(string folder) => File.ReadAllBytes(Path.Combine(folder, "test", "checkpoint", "model.safetensors"));

    private static IReadOnlyList<MetricsLine> Metrics(string folder) => MetricsLog.Read(Path.Combine(folder, "test", "metrics.jsonl"));
}

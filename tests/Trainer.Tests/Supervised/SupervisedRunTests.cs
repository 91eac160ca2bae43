using Vlm.Trainer.Logging;
using Vlm.Trainer.Supervised;

namespace Vlm.Trainer.Tests.Supervised;

public sealed class SupervisedRunTests : IDisposable
{
    private static readonly string Config = Path.Combine(Repository.Root, "configs", "test.json");
    private readonly string runs = Directory.CreateTempSubdirectory("runs").FullName;

    [Fact]
    public void A_run_killed_in_the_middle_goes_on_to_the_same_bits_as_one_never_stopped()
    {
        var unbroken = Path.Combine(runs, "unbroken");
        var killed = Path.Combine(runs, "killed");
        Assert.Equal(0, Train(unbroken));
        Assert.NotEqual(0, Train(killed, atStep: 3));   // the last checkpoint is of step 2, within the second stage's reach
        Assert.Equal(0, Train(killed));

        Assert.Equal(Weights(unbroken), Weights(killed));
        var (a, b) = (Metrics(unbroken), Metrics(killed));
        Assert.Equal(a.Select(l => l.Step), b.Select(l => l.Step));
        Assert.Equal(a.Select(l => l.Values["train/loss"]), b.Select(l => l.Values["train/loss"]));
        Assert.True(File.Exists(Path.Combine(killed, "test", "plots", "loss.png")));
        Assert.Contains("| words_2 |", File.ReadAllText(Path.Combine(killed, "test", "evaluation.md")), StringComparison.Ordinal);
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
        var file = Path.Combine(runs, "bad.json");
        File.WriteAllText(file, File.ReadAllText(Config).Replace("\"seed\"", "\"sead\"", StringComparison.Ordinal));
        Assert.Contains("sead", Assert.Throws<InvalidDataException>(() => TrainConfig.Load(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stage_that_trains_the_tower_alone_cannot_weigh_the_reply()
    {
        var file = Path.Combine(runs, "bad.json");
        File.WriteAllText(file, File.ReadAllText(Config).Replace("\"pairs\": 1 }", "\"pairs\": 1, \"reply\": 1 }", StringComparison.Ordinal));
        Assert.Contains("stage 'reading'", Assert.Throws<InvalidDataException>(() => TrainConfig.Load(file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("edge-base.json"), InlineData("edge-reading.json"), InlineData("edge.json"), InlineData("escalation.json"), InlineData("test.json")]
    public void Every_shipped_configuration_loads(string name)
        => Assert.NotEmpty(TrainConfig.Load(Path.Combine(Path.GetDirectoryName(Config)!, name)).Stages);

    public void Dispose() => Directory.Delete(runs, recursive: true);

    private static int Train(string folder, int? atStep = null, string signal = "KILL") =>
        TrainerProcess.Run(["train", Config, "--runs", folder], Path.Combine(folder, "test", "metrics.jsonl"), atStep, signal);

    private static byte[] Weights(string folder) => File.ReadAllBytes(Path.Combine(folder, "test", "checkpoint", "model.safetensors"));

    private static IReadOnlyList<MetricsLine> Metrics(string folder) => MetricsLog.Read(Path.Combine(folder, "test", "metrics.jsonl"));
}

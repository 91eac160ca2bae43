using Vlm.Model;
using Vlm.Trainer.Commands;
using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Model;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Tests.Grpo;

public sealed class GrpoRunTests : IDisposable
{
    private readonly string _runs = Directory.CreateTempSubdirectory("grpo").FullName;
    private readonly string _start, _config;

    public GrpoRunTests()
    {
        _start = Path.Combine(_runs, "start");
        _config = Path.Combine(_runs, "grpo-test.json");
        TinyPolicy.Write(_start);
        (GrpoConfig.Load(Path.Combine(Repository.Root, "configs", "grpo-test.json")) with { From = _start }).Save(_config);
    }

    [Fact]
    public void A_run_killed_and_then_interrupted_goes_on_to_the_same_bits_as_one_never_stopped()
    {
        var (unbroken, broken) = (Path.Combine(_runs, "unbroken"), Path.Combine(_runs, "broken"));
        Assert.Equal(0, Train(unbroken));
        Assert.NotEqual(0, Train(broken, atStep: 3));              // the last checkpoint is of step 2
        Assert.Equal(0, Train(broken, atStep: 4, signal: "INT"));   // Ctrl-C: the step is finished and saved
        Assert.Equal(Metrics(broken)[^1].Step, Step(broken));
        Assert.Equal(0, Train(broken));

        Assert.Equal(Weights(unbroken), Weights(broken));
        Assert.NotEqual(File.ReadAllBytes(Path.Combine(_start, "model.safetensors")), Weights(unbroken));
        var (a, b) = (Metrics(unbroken), Metrics(broken));
        Assert.Equal(a.Select(l => l.Step), b.Select(l => l.Step));
        foreach (var name in (string[])["grpo/reward/total", "grpo/loss", "grpo/kl", "grpo/entropy", "grpo/gradient_norm", "grpo/length_mean"])
            Assert.Equal(a.Select(l => l.Values.GetValueOrDefault(name)), b.Select(l => l.Values.GetValueOrDefault(name)));
        Assert.Contains(a, l => l.Values.GetValueOrDefault("grpo/groups_learned") > 0 && l.Values["grpo/gradient_norm"] > 0 && l.Values["grpo/kl"] > 0);
        Assert.All(a.Skip(1), l => Assert.InRange(l.Values.GetValueOrDefault("grpo/sampler_difference_max"), 0, 1e-4));
        Assert.True(File.Exists(Path.Combine(broken, "grpo-test", "plots", "policy.png")));
        Assert.Contains(
            "| total | format | chars | overlong |", File.ReadAllText(Path.Combine(broken, "grpo-test", "samples", "0000003.md")), StringComparison.Ordinal);
        using var checkpoint = CheckpointFolder.Open(Path.Combine(broken, "grpo-test", "checkpoint"));
        Assert.Empty(checkpoint.UnusedNames);
    }

    [Fact]
    public void A_run_of_adapters_goes_on_to_the_same_bits_and_its_reference_is_the_model_without_them()
    {
        (GrpoConfig.Load(_config) with
        {
            Steps = 4,
            Lora = new LoraConfig { R = 4, Alpha = 8 },
            GradientCheckpointing = true,
            Bf16Weights = true,
            Reference = new ReferenceConfig { Kind = ReferenceKind.Frozen },
        }).Save(_config);
        var (unbroken, broken) = (Path.Combine(_runs, "unbroken"), Path.Combine(_runs, "broken"));
        Assert.Equal(0, Train(unbroken));
        Assert.NotEqual(0, Train(broken, atStep: 3));
        Assert.Equal(0, Train(broken));

        byte[] Adapter(string folder) => File.ReadAllBytes(Path.Combine(folder, "grpo-test", "checkpoint", "adapter", "adapter_model.safetensors"));
        Assert.Equal(Adapter(unbroken), Adapter(broken));
        Assert.Equal(Weights(unbroken), Weights(broken));
        var metrics = Metrics(unbroken);
        Assert.Equal(metrics.Select(l => l.Values.GetValueOrDefault("grpo/kl")), Metrics(broken).Select(l => l.Values.GetValueOrDefault("grpo/kl")));
        Assert.Contains(metrics, l => l.Values.GetValueOrDefault("grpo/kl") > 0);

        using var start = CheckpointFolder.Open(_start);
        using var checkpoint = CheckpointFolder.Open(Path.Combine(unbroken, "grpo-test", "checkpoint"));
        var (before, after) = (start.ReadFloats("model.norm.weight"), checkpoint.ReadFloats("model.norm.weight"));
        Assert.Equal(before, after);
        Assert.Equal(
            0, TinyCheckpoint.Run(
                MergeCommand.Create(), CheckpointOf(unbroken), "--adapter", Path.Combine(CheckpointOf(unbroken), "adapter"), "--to",
                    Path.Combine(_runs, "merged")));

        static string CheckpointOf(string folder) => Path.Combine(folder, "grpo-test", "checkpoint");
    }

    [Fact]
    public void A_run_of_held_replies_with_prompts_asked_again_and_small_moments_goes_on_to_the_same_bits_and_says_what_it_is()
    {
        var config = GrpoConfig.Load(_config);
        (config with
        {
            Rollouts = RolloutKind.Held,
            Trains = TrainedPart.Decoder,
            Revisit = new RevisitConfig { Share = 0.5, Most = 4 },
            Optimizer = config.Optimizer with { Bf16Moments = true },
            Rewards = new RewardConfig(),
        }).Save(_config);
        var (unbroken, broken) = (Path.Combine(_runs, "unbroken"), Path.Combine(_runs, "broken"));
        Assert.Equal(0, Train(unbroken));
        Assert.NotEqual(0, Train(broken, atStep: 3));
        Assert.Equal(0, Train(broken));

        Assert.Equal(Weights(unbroken), Weights(broken));
        Assert.NotEqual(File.ReadAllBytes(Path.Combine(_start, "model.safetensors")), Weights(unbroken));
        var metrics = Metrics(unbroken);
        foreach (var name in (string[])["grpo/reward/total", "grpo/loss", "grpo/entropy", "grpo/decisions"])
            Assert.Equal(metrics.Select(l => l.Values.GetValueOrDefault(name)), Metrics(broken).Select(l => l.Values.GetValueOrDefault(name)));
        Assert.All(metrics.Skip(1), l => Assert.Equal(1, l.Values["grpo/reward/format"]));
        Assert.NotEmpty(new RunFolder(Path.Combine(unbroken, "grpo-test")).State<GrpoState>()!.Revisit!);
        using var moments = SafeTensors.Open(Path.Combine(unbroken, "grpo-test", "checkpoint", "training", "optimizer.safetensors"));
        var means = moments.Names.Where(name => name.EndsWith(".mean", StringComparison.Ordinal));
        Assert.All(means, name => Assert.Equal(TensorType.BF16, moments.Info(name).Type));
        var note = File.ReadAllText(Path.Combine(unbroken, "grpo-test", "run.md"));
        Assert.Contains("| steps | 5 of 5, 40 completions (2 prompts × 4)", note, StringComparison.Ordinal);
        Assert.Contains("| replies | held to the grammar", note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0.1), InlineData(9, 0.98), InlineData(50, 0.51), InlineData(100, 0.02)]
    public void The_step_size_rises_over_the_warm_up_and_falls_along_a_cosine(long step, double expected)
    {
        var config = GrpoConfig.Load(_config) with { Steps = 100, WarmUp = 10, LearningRate = 1, FinalShare = 0.02 };
        Assert.Equal(expected, GrpoRun.LearningRate(config, step), 2);
        Assert.Equal(1, GrpoRun.LearningRate(config with { FinalShare = 1 }, 50));
    }

    [Fact]
    public void A_start_that_is_no_folder_is_one_clear_error()
    {
        var error = Assert.Throws<InvalidDataException>(() => new GrpoRun(GrpoConfig.Load(_config) with { From = "nowhere/checkpoint" }, new RunFolder(_runs)));
        Assert.Contains("'nowhere/checkpoint', which is no folder", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("grpo-edge.json"), InlineData("grpo-demo.json"), InlineData("grpo-reward.json"), InlineData("grpo-honest.json"), InlineData("grpo-test.json")]
    public void Every_shipped_configuration_loads(string name)
        => Assert.True(GrpoConfig.Load(Path.Combine(Repository.Root, "configs", name)).Steps > 0);

    public void Dispose() => Directory.Delete(_runs, recursive: true);

    private int Train(string folder, int? atStep = null, string signal = "KILL") =>
        TrainerProcess.Run(["grpo", _config, "--runs", folder], Path.Combine(folder, "grpo-test", "metrics.jsonl"), atStep, signal);

    private static long Step(string folder) => new RunFolder(Path.Combine(folder, "grpo-test")).State<GrpoState>()!.Step;

    private static byte[] Weights(string folder) => File.ReadAllBytes(Path.Combine(folder, "grpo-test", "checkpoint", "model.safetensors"));

    private static IReadOnlyList<MetricsLine> Metrics(string folder) => MetricsLog.Read(Path.Combine(folder, "grpo-test", "metrics.jsonl"));
}

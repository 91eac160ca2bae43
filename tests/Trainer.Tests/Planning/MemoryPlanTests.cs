using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Vlm.Model;
using Vlm.Trainer.Commands;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Planning;

namespace Vlm.Trainer.Tests.Planning;

public sealed class MemoryPlanTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("plan").FullName;
    private static readonly string Public3B = Repository.Golden("public-3b");
    private static readonly StepShape Step = new(8, 8, 256, 64, 240);

    [Fact]
    public void The_curve_through_three_sizes_gives_every_other_size()
    {
        static double Bytes(long rows, long n) => 1000 + rows * (7.0 * n + 3.0 * n * n);
        var curve = ByteCurve.Through(4, [(32, Bytes(4, 32)), (96, Bytes(4, 96)), (192, Bytes(4, 192))]);
        Assert.Equal(Bytes(9, 1000), curve.At(9, 1000), 3);
    }

    [Fact]
    public void The_heads_plane_gives_every_other_size()
    {
        static double Bytes(long places, long words) => 11 + 5.0 * words + places * (13 + 17.0 * words);
        var curve = HeadCurve.Through((32, 96), (512, 1024), Bytes);
        Assert.Equal(Bytes(1920, 151936), curve.At(1920, 151936), 0);
    }

    [Fact]
    public void Weights_gradients_and_optimizer_of_the_public_3B_follow_from_its_shapes()
    {
        var config = VlmConfig.Load(Public3B);
        const double Parameters = 3_754_622_976;   // as published
        MemoryEstimate Of(TrainingMode mode) => MemoryPlan.Of(config, mode with { Optimizer = new OptimizerConfig { Muon = false } }, Free(), Step, 8);

        var float32 = Of(new TrainingMode("", false, null, false));
        Assert.Equal((4 * Parameters, 4 * Parameters, 8 * Parameters), (float32.Weights, float32.Gradients, float32.Optimizer));
        var mixed = Of(new TrainingMode("", true, null, false));
        Assert.Equal((2 * Parameters, 2 * Parameters, 12 * Parameters), (mixed.Weights, mixed.Gradients, mixed.Optimizer));
        var lora = Of(new TrainingMode("", true, new LoraConfig { R = 16 }, false));
        // Per layer r (in + out) of q, k, v, o, gate, up, down.
        const double Adapters = 36 * 16.0 * (2 * (2048 + 2048) + 2 * (2048 + 256) + 3 * (2048 + 11008));
        Assert.Equal((2 * Parameters + 4 * Adapters, 4 * Adapters, 8 * Adapters), (lora.Weights, lora.Gradients, lora.Optimizer));
        // Keys and values of 36 layers, 2 heads of 128, bfloat16; twice, for the copy when rows stop.
        Assert.Equal(2 * 2.0 * 36 * 2 * 128 * 560 * 2 * 64, lora.KeyValueCache);
    }

    [Theory]
    [InlineData(1e9, 0), InlineData(10e9, 0), InlineData(16e9, 6), InlineData(19e9, 8), InlineData(30e9, 16), InlineData(1e12, 64)]
    public void The_largest_micro_batch_is_part_of_a_group_or_whole_groups(double bytes, int expected)
        => Assert.Equal(expected, MemoryPlan.LargestMicroBatch(Step, bytes, rows => new MemoryEstimate(10e9, 0, 0, rows * 1e9, 0, 0)));

    [Theory]
    [InlineData("24GB", 24e9), InlineData("0.5gb", 5e8), InlineData("512MB", 512e6)]
    public void Amounts_of_memory_are_read_in_powers_of_ten(string text, double bytes) => Assert.Equal(bytes, PlanCommand.Bytes(text));

    [Theory]
    [InlineData("24"), InlineData("GB"), InlineData("-1GB"), InlineData("24GiB")]
    public void What_is_no_amount_of_memory_is_refused(string text) => Assert.Throws<InvalidDataException>(() => PlanCommand.Bytes(text));

    [Fact]
    public async Task What_is_predicted_for_a_small_model_is_about_what_a_real_step_needs()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "memory is measured through glibc");
        // Half as wide as the edge model: where products in bfloat16 are emulated, twice the width takes four times as long.
        ModelPreset.Config(TrainConfig.Load(TinyCheckpoint.ConfigPath).Model with
        {
            VisionDepth = 3,
            VisionWidth = 96,
            VisionHeads = 4,
            VisionHidden = 256,
            FullAttentionBlocks = [0, 1, 2],
            TextLayers = 3,
            TextWidth = 96,
            TextHeads = 6,
            KeyValueHeads = 2,
            TextHidden = 256,
            MropeSection = [3, 3, 2],
        }).Save(Path.Combine(_folder, "config.json"));
        string[] command = [typeof(TrainConfig).Assembly.Location, "plan", "--model", _folder, "--gpu-memory", "2GB",
            "--check", "4", "--micro-rows", "3", "--group-size", "4", "--image-tokens", "64", "--max-tokens", "96"];
        using var process = Process.Start(new ProcessStartInfo("dotnet", command) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(output + await errors);
        Assert.Equal(0, process.ExitCode);
        var ratios = Regex.Matches(output, @"ratio ([\d.]+)").Select(m => double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(6, ratios.Count);
        Assert.Equal(6, Regex.Count(output, @"^(full|LoRA).*  3  ", RegexOptions.Multiline));   // the micro-batch that was asked for
        // A short peak can pass between two looks of one step on a busy machine; the most of several steps is what is compared.
        Assert.All(ratios, ratio => Assert.InRange(ratio, 0.75, 1.25));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Activations that cost nothing.</summary>
    private static ActivationCost Free()
    {
        var none = new BlockCost(default, default);
        return new ActivationCost(none, none, none, none, none, none) { HeadKept = default, HeadPassing = default };
    }
}

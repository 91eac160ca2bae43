using System.Text.Json;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Supervised;

namespace Vlm.Trainer.Tests.Optimization;

public sealed class ComputeChoiceTests : IDisposable
{
    private static readonly ComputeTimes WithBfloat16 = new(Times(30, 8), Times(2, 3));   // as with AVX-512 BF16
    private static readonly ComputeTimes Without = new(Times(40, 920), Times(3, 200));    // as with AVX2 alone
    private readonly string _folder = Directory.CreateTempSubdirectory("compute").FullName;

    [Fact]
    public void A_new_run_computes_in_the_type_that_is_faster_here_each_kind_of_product_by_itself()
    {
        var choice = ComputeChoice.Choose(ComputeType.Auto, null, () => WithBfloat16);
        Assert.Equal(new ComputeTypes(ComputeType.Bfloat16, ComputeType.Float32), choice.Types);
        Assert.Equal("products in bfloat16, orthogonalization in float32 (measured here: a block 30.0 ms in float32, 8.0 ms in bfloat16; "
            + "a matrix 2.0 ms in float32, 3.0 ms in bfloat16)", choice.ToString());
        Assert.Equal(new ComputeTypes(ComputeType.Float32, ComputeType.Float32), ComputeChoice.Choose(ComputeType.Auto, null, () => Without).Types);
    }

    [Fact]
    public void Bfloat16_that_is_hardly_faster_is_not_taken() => Assert.Equal(ComputeType.Float32, Times(10.5, 10).Faster);

    [Theory]
    [InlineData(ComputeType.Float32), InlineData(ComputeType.Bfloat16)]
    public void What_is_configured_is_obeyed_without_a_measurement(ComputeType asked)
    {
        var choice = ComputeChoice.Choose(asked, null, () => throw new InvalidOperationException("measured"));
        Assert.Equal(new ComputeTypes(asked, asked), choice.Types);
    }

    [Fact]
    public void A_resumed_run_keeps_the_types_of_its_checkpoint_and_says_when_that_is_much_slower_here()
    {
        var kept = new ComputeTypes(ComputeType.Bfloat16, ComputeType.Float32);
        var there = ComputeChoice.Choose(ComputeType.Auto, kept, () => WithBfloat16);
        Assert.Equal((kept, "as in the checkpoint"), (there.Types, there.Why));
        var elsewhere = ComputeChoice.Choose(ComputeType.Auto, kept, () => Without);
        Assert.Equal(kept, elsewhere.Types);
        Assert.Contains("measured 23 times faster on this machine", elsewhere.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_resumed_run_whose_configuration_says_another_type_changes_and_says_so()
    {
        var kept = new ComputeTypes(ComputeType.Bfloat16, ComputeType.Bfloat16);
        var choice = ComputeChoice.Choose(ComputeType.Float32, kept, () => Without);
        Assert.Equal(ComputeType.Float32, choice.Types.Products);
        Assert.Contains("made with products and orthogonalization in bfloat16, so the run goes on, but not to the bit", choice.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true", ComputeType.Bfloat16), InlineData("false", ComputeType.Float32), InlineData("\"auto\"", ComputeType.Auto)]
    public void The_switch_of_a_configuration_has_three_positions(string text, ComputeType expected)
    {
        var config = Load($"\"bfloat16\": {text},");
        Assert.Equal(expected, config.ComputeType);
        config.Save(Path.Combine(_folder, "saved.json"));
        Assert.Contains($"\"bfloat16\": {text},", File.ReadAllText(Path.Combine(_folder, "saved.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_switch_it_is_auto_and_another_word_is_refused()
    {
        Assert.Equal(ComputeType.Auto, Load("").ComputeType);
        Assert.Contains(
            "true, false or \"auto\"", Assert.Throws<InvalidDataException>(() => Load("\"bfloat16\": \"half\",")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_measures_once_and_its_checkpoint_keeps_what_was_chosen()
    {
        var config = TrainConfig.Load(TinyCheckpoint.ConfigPath) with { ComputeType = ComputeType.Auto };
        config = config with { Stages = [config.Stages[0] with { Steps = 1 }], FinalPuzzles = 1 };
        var run = new RunFolder(Path.Combine(_folder, "run"));
        ComputeTypes chosen;
        using (var first = new SupervisedRun(config, run))
        {
            chosen = first.Choice.Types;
            Assert.StartsWith("measured here", first.Choice.Why, StringComparison.Ordinal);
            first.Run(CancellationToken.None);
        }

        Assert.Equal(chosen, run.State<SupervisedState>()!.Compute);
        Assert.Contains(
            JsonEncodedText.Encode(chosen.ToString()).ToString(), File.ReadAllText(Path.Combine(run.Checkpoint, "provenance.json")), StringComparison.Ordinal);
        using var resumed = new SupervisedRun(config, run);
        Assert.Equal(chosen, resumed.Choice.Types);
        Assert.StartsWith("as in the checkpoint", resumed.Choice.Why, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static TypeTimes Times(double float32, double bfloat16) => new(TimeSpan.FromMilliseconds(float32), TimeSpan.FromMilliseconds(bfloat16));

    private TrainConfig Load(string member)
    {
        var file = Path.Combine(_folder, "config.json");
        File.WriteAllText(file, File.ReadAllText(TinyCheckpoint.ConfigPath).Replace("\"bfloat16\": false,", member, StringComparison.Ordinal));
        return TrainConfig.Load(file);
    }
}

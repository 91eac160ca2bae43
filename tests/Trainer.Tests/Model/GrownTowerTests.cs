using Vlm.Model;
using Vlm.Trainer.Commands;
using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Model;

/// <summary>A grown tower starts where the smaller one stands, and every new weight that can matter gets a gradient.</summary>
[Collection("seeded")]
public sealed class GrownTowerTests : IDisposable
{
    private static readonly PatchGrid Grid = new(1, 4, 6);

    private readonly string _folder = Directory.CreateTempSubdirectory("grow").FullName;

    [Fact]
    public void A_tower_grown_in_depth_width_and_units_gives_the_same_image_features()
    {
        var small = TinyCheckpoint.Write(At("small"));
        var has = VlmConfig.Load(small).Vision;
        GrowCommand.Run(small, new TowerSize(has.Depth + 2, has.NumHeads + 1, has.IntermediateSize + 24), 3, At("large"));

        using var before = Model(small);
        using var after = Model(At("large"));
        var difference = (before.Encode(Pixels, [Grid]) - after.Encode(Pixels, [Grid])).abs().max().item<float>();

        TestContext.Current.TestOutputHelper?.WriteLine($"max abs difference {difference:g3}");
        Assert.InRange(difference, 0, 1e-4);
        Assert.Equal((has.Depth + 2, has.HiddenSize + has.HeadDim), (after.Config.Vision.Depth, after.Config.Vision.HiddenSize));
    }

    [Fact]
    public void New_channels_heads_and_blocks_learn()
    {
        var small = TinyCheckpoint.Write(At("small"));
        var has = VlmConfig.Load(small).Vision;
        GrowCommand.Run(small, new TowerSize(has.Depth + 1, has.NumHeads + 1, has.IntermediateSize + 8), 3, At("large"));
        using var model = Model(At("large"));

        var features = model.Encode(Pixels, [Grid]);
        (features * features).sum().backward();

        var gradients = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad);
        float Largest(string name, long from) => gradients[name]!.narrow(0, from, gradients[name]!.shape[0] - from).abs().max().item<float>();
        Assert.True(Largest("visual.patch_embed.proj.weight", has.HiddenSize) > 0);
        Assert.True(Largest("visual.blocks.0.attn.proj.weight", has.HiddenSize) > 0);
        Assert.True(Largest($"visual.blocks.{has.Depth}.attn.proj.weight", 0) > 0);
        Assert.True(Largest($"visual.blocks.{has.Depth}.mlp.down_proj.weight", 0) > 0);
    }

    [Fact]
    public void The_text_part_stays_to_the_bit_and_the_same_seed_grows_the_same_file()
    {
        var small = TinyCheckpoint.Write(At("small"));
        var size = new TowerSize(4, 4, 200);
        GrowCommand.Run(small, size, 3, At("one"));
        GrowCommand.Run(small, size, 3, At("two"));

        Assert.Equal(File.ReadAllBytes(At("one/model.safetensors")), File.ReadAllBytes(At("two/model.safetensors")));
        using var before = CheckpointFolder.Open(small);
        using var after = CheckpointFolder.Open(At("one"));
        foreach (var weight in before.Weights.Where(weight => !weight.Name.StartsWith("visual.", StringComparison.Ordinal)))
            Assert.Equal(before.ReadFloats(weight.Name), after.ReadFloats(weight.Name));
    }

    [Fact]
    public void A_tower_does_not_shrink_and_a_target_that_exists_is_left_alone()
    {
        var small = TinyCheckpoint.Write(At("small"));
        var has = VlmConfig.Load(small).Vision;

        var shrunk = Assert.Throws<CheckpointException>(
            () => GrowCommand.Run(small, new TowerSize(has.Depth - 1, has.NumHeads, has.IntermediateSize), 1, At("x")));
        var taken = Assert.Throws<CheckpointException>(() => GrowCommand.Run(small, new TowerSize(9, 9, 999), 1, small));

        Assert.Contains($"depth is {has.Depth}; expected at least that, found {has.Depth - 1}", shrunk.Message, StringComparison.Ordinal);
        Assert.Contains("exists already", taken.Message, StringComparison.Ordinal);
        Assert.Equal([small], Directory.EnumerateFileSystemEntries(_folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Tensor Pixels
    {
        get
        {
            manual_seed(5);
            return randn(Grid.Patches, 1176);
        }
    }

    private static QwenVl Model(string folder)
    {
        using var checkpoint = CheckpointFolder.Open(folder);
        return ModelWeights.Load(checkpoint);
    }

    private string At(string name) => Path.Combine(_folder, name);
}

using Vlm.Model;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Supervised;

namespace Vlm.Trainer.Tests.Supervised;

public sealed class StartingWeightsTests : IDisposable
{
    private static readonly TrainConfig Config = TrainConfig.Load(TinyCheckpoint.ConfigPath);
    private readonly string _folder = Directory.CreateTempSubdirectory("start").FullName;

    [Fact]
    public void A_fresh_run_starts_from_the_weights_of_a_checkpoint()
    {
        var checkpoint = TinyCheckpoint.Write(At("checkpoint"));
        using var run = new SupervisedRun(Config with { From = checkpoint }, new RunFolder(At("run")));
        Assert.Contains($"weights of {checkpoint}; its auxiliary read-outs are not there", run.Start, StringComparison.Ordinal);

        using var model = new QwenVl(ModelPreset.Config(Config.Model));
        using var heads = new AuxiliaryHeads(model.Config, Compute.Exact);
        StartingWeights.Take(checkpoint, model, heads);
        using var expected = SafeTensors.Open(Path.Combine(checkpoint, "model.safetensors"));
        foreach (var (name, parameter) in model.named_parameters()) Assert.Equal(expected.ReadFloats(name), parameter.data<float>().ToArray());
    }

    [Fact]
    public void Another_shape_is_one_error_that_names_the_tensor_and_both_shapes()
    {
        var checkpoint = TinyCheckpoint.Write(At("checkpoint"), sizes => sizes with { TextHidden = 64 });
        var error = Assert.Throws<CheckpointException>(() => new SupervisedRun(Config with { From = checkpoint }, new RunFolder(At("run"))).Dispose());
        Assert.Contains("'model.layers.0.mlp.gate_proj.weight'", error.Message, StringComparison.Ordinal);
        Assert.Contains("has shape [64, 32]; this run's model asks for [48, 32]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_auxiliary_read_outs_come_along_where_the_checkpoint_has_them()
    {
        var checkpoint = TinyCheckpoint.Write(At("checkpoint"));
        using var model = new QwenVl(ModelPreset.Config(Config.Model));
        using var trained = new AuxiliaryHeads(model.Config, Compute.Exact);
        InitialWeights.Draw(trained);
        using var fresh = new AuxiliaryHeads(model.Config, Compute.Exact);
        Directory.CreateDirectory(Path.Combine(checkpoint, "training"));
        SafeTensors.Write(Path.Combine(checkpoint, "training/auxiliary.safetensors"), ModelWeights.Tensors(trained));
        Assert.Contains("included", StartingWeights.Take(checkpoint, model, fresh), StringComparison.Ordinal);
        Assert.Equal(
            trained.parameters().SelectMany(p => p.data<float>().ToArray()),
            fresh.parameters().SelectMany(p => p.data<float>().ToArray()));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string path) => Path.Combine(_folder, path);
}

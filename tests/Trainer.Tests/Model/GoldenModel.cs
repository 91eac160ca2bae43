using Vlm.Model;
using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Model;

/// <summary>The tiny reference model with the inputs of its golden cases (tests/Golden/README.md).</summary>
internal sealed class GoldenModel : IDisposable
{
    public CheckpointFolder Checkpoint { get; } = CheckpointFolder.Open(Folder);
    private readonly SafeTensors _inputs = SafeTensors.Open(Repository.Golden("qwen25vl/golden.safetensors"));

    public GoldenModel() => Model = ModelWeights.Load(Checkpoint);

    public static string Folder => Repository.Golden("qwen25vl/checkpoint");

    public QwenVl Model { get; }

    /// <summary>Logits of the case `one` (picture a), `odd` (picture e) or `text`.</summary>
    public Tensor Logits(string name) => Logits(Model, name);

    /// <inheritdoc cref="Logits(string)"/>
    public Tensor Logits(QwenVl model, string name)
    {
        string[] pictures = name switch { "one" => ["a"], "odd" => ["e"], _ => [] };
        var features = pictures.Length == 0 ? null : model.Encode(Floats(_inputs, $"pixel_values.{pictures[0]}"), [Grid(pictures[0])]);
        return model.Logits(Longs($"ids.{name}"), Longs($"positions.{name}"), features);
    }

    public static Tensor Floats(SafeTensors file, string name) => tensor(file.ReadFloats(name)).view(file.Info(name).Shape);

    /// <summary>The largest difference, which is also written to the test's output.</summary>
    public static double Difference(string what, Tensor expected, Tensor actual)
    {
        using var noGradient = no_grad();
        Assert.Equal(expected.shape, actual.shape);
        var difference = (expected - actual).abs().max().item<float>();
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: max abs difference {difference:E2}");
        return difference;
    }

    public void Dispose()
    {
        Model.Dispose();
        _inputs.Dispose();
        Checkpoint.Dispose();
    }

    private PatchGrid Grid(string picture)
        => _inputs.ReadLongs($"grid.{picture}") is [var t, var h, var w] ? new PatchGrid((int)t, (int)h, (int)w) : throw new InvalidDataException(picture);

    private Tensor Longs(string name) => tensor(_inputs.ReadLongs(name)).view(_inputs.Info(name).Shape);
}

using Vlm.Engine.Ort;
using Vlm.Export.Commands;
using Vlm.Finding;
using Vlm.Model;
using Vlm.Trainer.Finder;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Parity.Tests;

/// <summary>The finder says in ONNX what it says in TorchSharp, up to the rounding of its weights to int8.</summary>
public sealed class FinderParityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("finder").FullName;

    [Fact]
    public void The_exported_finder_says_what_the_trained_one_says()
    {
        manual_seed(3);
        using var net = new FinderNet();
        var scenes = new SceneBatches(Puzzles.Split.Train, 4, 0.4).Draw(0, 8);
        var frames = tensor(scenes.Frames).view(8, 1, FinderInput.Height, FinderInput.Width);
        // Running means and variances other than 0 and 1, or folding them could not be seen.
        net.train();
        for (var i = 0; i < 4; i++) net.Of(frames);
        net.eval();
        using var noGradient = no_grad();
        var said = net.Of(frames);
        var statistics = net.named_buffers().Where(b => b.name.Contains("running_", StringComparison.Ordinal))
            .Select(b => ModelWeights.Named(b.name, b.buffer));
        Directory.CreateDirectory(Path.Combine(_folder, "checkpoint"));
        SafeTensors.Write(Path.Combine(_folder, "checkpoint/model.safetensors"), ModelWeights.Tensors(net).Concat(statistics));

        FinderCommand.Run(Path.Combine(_folder, "checkpoint"), Path.Combine(_folder, "package"));
        using var finder = new OnnxFinder(Path.Combine(_folder, "package"));

        var (corners, seen) = (said.Corners.data<float>().ToArray(), said.Seen.sigmoid().data<float>().ToArray());
        for (var scene = 0; scene < 8; scene++)
        {
            var pixels = FinderInput.Width * FinderInput.Height;
            var output = finder.Look(new FinderInput(scenes.Frames[(scene * pixels)..((scene + 1) * pixels)], 1, 0, 0));
            var difference = output.Corners.Zip(corners[(scene * 8)..]).Max(pair => Math.Abs(pair.First - pair.Second));
            var seenDifference = output.Seen.Zip(seen[(scene * 5)..]).Max(pair => Math.Abs(pair.First - pair.Second));
            TestContext.Current.TestOutputHelper?.WriteLine($"max abs difference {difference:g3} of corners, {seenDifference:g3} of what is seen");
            Assert.InRange(difference, 0, 0.01);
            Assert.InRange(seenDifference, 0, 0.02);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

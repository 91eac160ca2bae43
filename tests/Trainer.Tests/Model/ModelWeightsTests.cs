using Vlm.Model;
using Vlm.Trainer.Model;
using Vlm.Trainer.Tests.Grpo;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Model;

/// <summary>
/// A temporary tensor that nothing holds may be freed in the middle of the native call that reads it: that ends the process, or corrupts the numbers.
/// </summary>
[Collection("seeded")]
public sealed class ModelWeightsTests
{
    [Fact]
    public async Task Weights_are_filled_whole_while_the_collector_runs()
    {
        float[] values = [.. Enumerable.Range(0, 60_000).Select(i => (float)i)];
        using var weights = zeros(200, 300);
        await WhileCollecting(2_000, () => ModelWeights.Fill(weights, values));
        Assert.Equal(values, weights.data<float>().ToArray());
    }

    [Fact]
    public void Bfloat16_weights_are_read_as_they_are_and_written_as_they_were_and_one_that_is_no_number_is_refused()
    {
        var folder = Directory.CreateTempSubdirectory("weights").FullName;
        try
        {
            TinyPolicy.Write(folder);
            var file = Path.Combine(folder, "model.safetensors");
            var compute = Compute.Exact with { Weights = bfloat16 };
            using (var rounded = Load(folder, compute)) SafeTensors.Write(file, ModelWeights.Tensors(rounded));
            var bytes = File.ReadAllBytes(file);
            using (var same = Load(folder, compute)) SafeTensors.Write(file + "2", ModelWeights.Tensors(same));
            Assert.Equal(bytes, File.ReadAllBytes(file + "2"));

            (bytes[^2], bytes[^1]) = (0xC0, 0x7F);
            File.WriteAllBytes(file, bytes);
            Assert.Throws<CheckpointException>(() => Load(folder, compute));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static QwenVl Load(string folder, Compute compute)
    {
        using var checkpoint = CheckpointFolder.Open(folder);
        return ModelWeights.Load(checkpoint, compute);
    }

    [Fact]
    public async Task Weights_are_drawn_while_the_collector_runs() => await WhileCollecting(1_000, () =>
    {
        using var scope = NewDisposeScope();
        using var layer = new Linear(300, 200, bias: false, new ComputeMode(Compute.Exact));
        InitialWeights.Draw(layer);
        var weights = layer.Weight;
        Assert.InRange(weights.abs().max().item<float>(), 0.05f, 0.058f);
    });

    private static async Task WhileCollecting(int times, Action action)
    {
        using var done = new CancellationTokenSource();
        var collector = Task.Run(
            () =>
            {
                while (!done.IsCancellationRequested)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                }
            },
            TestContext.Current.CancellationToken);
        try
        {
            for (var i = 0; i < times; i++) action();
        }
        finally
        {
            await done.CancelAsync();
            await collector;
        }
    }
}

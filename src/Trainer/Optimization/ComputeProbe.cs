using System.Diagnostics;
using Vlm.Model;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Optimization;

/// <summary>How long one piece of work takes in either type.</summary>
public readonly record struct TypeTimes(TimeSpan Float32, TimeSpan Bfloat16)
{
    // Timings of a busy machine differ by a few percent; where the two are alike, the exact one is taken.
    private const double WorthIt = 1.1;

    /// <summary>The type to compute in.</summary>
    public ComputeType Faster => Float32 > WorthIt * Bfloat16 ? ComputeType.Bfloat16 : ComputeType.Float32;

    public TimeSpan Of(ComputeType type) => type == ComputeType.Bfloat16 ? Bfloat16 : Float32;

    public override string ToString() => $"{Float32.TotalMilliseconds:F1} ms in float32, {Bfloat16.TotalMilliseconds:F1} ms in bfloat16";
}

/// <summary>What was measured: forward and backward pass of a block, and Muon's orthogonalisation of a matrix.</summary>
public sealed record ComputeTimes(TypeTimes Products, TypeTimes Orthogonalization);

/// <summary>Measures which type this machine computes faster in.</summary>
/// <remarks>
/// Without AVX-512 BF16 or AMX the library multiplies bfloat16 in plain loops, ten to a hundred times slower than float32; with them it is several
/// times faster. No flag of the processor tells which of its kernels the library takes, so it is measured, on real modules in the sizes of the small models.
/// </remarks>
internal static class ComputeProbe
{
    private const int Repeats = 5, Pictures = 2, Patches = 324;
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(0.5);
    private static readonly VisionConfig Sizes = new()
    { Depth = 1, HiddenSize = 192, IntermediateSize = 512, NumHeads = 4, OutHiddenSize = 192, FullAttentionBlocks = [0] };

    /// <summary>
    /// Takes a few tenths of a second; a type that is slower than that is tried once. Draws from the library's generator: seed it afterwards.
    /// </summary>
    /// <param name="device">Where.</param>
    public static ComputeTimes Measure(Device device) => new(
        new TypeTimes(Block(new Compute(device, float32)), Block(new Compute(device, bfloat16))),
        new TypeTimes(Orthogonalization(float32, device), Orthogonalization(bfloat16, device)));

    private static TimeSpan Block(Compute compute)
    {
        using var scope = NewDisposeScope();
        using var block = new VisionBlock(Sizes, new ComputeMode(compute));
        InitialWeights.Draw(block);
        var x = rand(Pictures, Patches, Sizes.HiddenSize, device: compute.Device);
        var (cos, sin) = (rand(Patches, Sizes.HeadDim / 2, device: compute.Device), rand(Patches, Sizes.HeadDim / 2, device: compute.Device));
        return Best(() => block.call(x, cos, sin, null).sum().backward(), compute.Device);
    }

    private static TimeSpan Orthogonalization(ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var matrix = rand(Sizes.IntermediateSize, Sizes.HiddenSize, device: device);
        return Best(() => Optimizer.Orthogonal(matrix, type), device);
    }

    /// <summary>The shortest of some runs: what other processes take only makes them longer.</summary>
    private static TimeSpan Best(Action run, Device device)
    {
        var (best, began) = (TimeSpan.MaxValue, Stopwatch.GetTimestamp());
        for (var i = 0; i < Repeats && (i == 0 || Stopwatch.GetElapsedTime(began) < Most); i++)
        {
            using var scope = NewDisposeScope();
            var start = Stopwatch.GetTimestamp();
            run();
            if (device.type == TorchSharp.DeviceType.CUDA) cuda.synchronize(device);   // work there goes on after the call returns
            var took = Stopwatch.GetElapsedTime(start);
            if (took < best) best = took;
        }
        return best;
    }
}

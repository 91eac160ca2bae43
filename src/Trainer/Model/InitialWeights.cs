using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

/// <summary>Random weights, for training from nothing.</summary>
internal static class InitialWeights
{
    /// <summary>Draws every parameter of a module from the library's generator, in the module's order.</summary>
    /// <remarks>
    /// Matrices are uniform in ±1/√inputs: of the initialisations tried, the one that learned to read soonest. They are drawn in the processor's memory, so
    /// that
    /// a seed means the same on every device.
    /// </remarks>
    public static void Draw(nn.Module module)
    {
        using var noGradient = no_grad();
        foreach (var (name, parameter) in module.named_parameters())
        {
            using var scope = NewDisposeScope();
            parameter.copy_(Values(name, parameter.shape));
        }
    }

    /// <summary>Uniform in ±1/√inputs.</summary>
    public static Tensor Uniform(long[] shape)
    {
        var bound = 1 / Math.Sqrt(shape.Skip(1).Aggregate(1L, (a, b) => a * b));
        return rand(shape) * tensor((float)(2 * bound)) - tensor((float)bound);
    }

    private static Tensor Values(string name, long[] shape)
    {
        if (name.EndsWith(".bias", StringComparison.Ordinal)) return zeros(shape);
        if (shape.Length == 1) return ones(shape);
        return name.EndsWith("embed_tokens.weight", StringComparison.Ordinal) ? randn(shape) * tensor((float)(1 / Math.Sqrt(shape[1]))) : Uniform(shape);
    }
}

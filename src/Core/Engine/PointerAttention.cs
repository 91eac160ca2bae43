using System.Numerics.Tensors;

namespace Vlm.Engine;

/// <summary>Where the head that was trained to point looks: its attention over the picture alone, done once more outside the graph.</summary>
internal static class PointerAttention
{
    /// <summary>Softmax of q·k/√d over the picture's places.</summary>
    /// <param name="query">[d] the head's rotated query at the end of a row's history.</param>
    /// <param name="keys">[places, d] the rotated keys of its layer.</param>
    /// <returns>[places] sum 1; null without a picture.</returns>
    public static float[]? Weights(ReadOnlySpan<float> query, ReadOnlySpan<float> keys)
    {
        if (keys.IsEmpty) return null;
        var size = query.Length;
        var weights = new float[keys.Length / size];
        for (var i = 0; i < weights.Length; i++) weights[i] = TensorPrimitives.Dot(query, keys.Slice(i * size, size)) / MathF.Sqrt(size);
        TensorPrimitives.SoftMax(weights, weights);
        return weights;
    }
}

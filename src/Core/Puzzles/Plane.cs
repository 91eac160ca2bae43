using System.Numerics;
using System.Runtime.InteropServices;

namespace Vlm.Puzzles;

/// <summary>One float per pixel with a border of zeros, so that filters need no special case at the edges.</summary>
internal sealed class Plane
{
    /// <summary>Width of the border, and so the largest reach of a filter.</summary>
    public const int Border = 16;

    private float[] _values = [];

    /// <summary>Pixels to the right, without the border.</summary>
    public int Width { get; private set; }

    /// <summary>Pixels downwards, without the border.</summary>
    public int Height { get; private set; }

    private int Stride => Width + (2 * Border);

    /// <summary>Gives the plane a new size and sets every value to zero. Memory is kept for the next picture.</summary>
    public void Reset(int width, int height)
    {
        (Width, Height) = (width, height);
        var size = Stride * (height + (2 * Border));
        if (_values.Length < size) _values = new float[size];
        else Array.Clear(_values, 0, size);
    }

    /// <summary>The pixels of one row.</summary>
    public Span<float> Row(int y) => _values.AsSpan(((y + Border) * Stride) + Border, Width);

    /// <summary>Gaussian blur.</summary>
    /// <param name="sigma">Standard deviation in pixels; nothing happens below 0.15.</param>
    /// <param name="scratch">A plane for the intermediate result.</param>
    public void Blur(float sigma, Plane scratch)
    {
        if (sigma < 0.15f) return;
        var radius = Math.Min(Border, (int)MathF.Ceiling(2.5f * sigma));
        var taps = Enumerable.Range(-radius, (2 * radius) + 1).ToArray();
        var weights = Array.ConvertAll(taps, tap => MathF.Exp(-(tap * tap) / (2 * sigma * sigma)));
        var total = weights.Sum();
        weights = Array.ConvertAll(weights, weight => weight / total);
        scratch.Reset(Width, Height);
        WeightedSum(this, scratch, taps, weights);
        WeightedSum(scratch, this, Array.ConvertAll(taps, tap => tap * Stride), weights);
    }

    /// <summary>Blur along a line, as of a camera that moves during the exposure.</summary>
    /// <param name="dx">Movement to the right in pixels.</param>
    /// <param name="dy">Movement downwards in pixels.</param>
    /// <param name="scratch">A plane for the intermediate result.</param>
    public void Smear(float dx, float dy, Plane scratch)
    {
        var taps = Math.Max(1, (int)MathF.Ceiling(MathF.Max(MathF.Abs(dx), MathF.Abs(dy)))) + 1;
        var weights = new Dictionary<int, float>();
        for (var tap = 0; tap < taps; tap++)
        {
            var along = (tap / (float)(taps - 1)) - 0.5f;
            AddBilinear(weights, along * dx, along * dy, 1f / taps);
        }

        scratch.Reset(Width, Height);
        WeightedSum(this, scratch, [.. weights.Keys], [.. weights.Values]);
        (_values, scratch._values) = (scratch._values, _values);
    }

    private void AddBilinear(Dictionary<int, float> weights, float x, float y, float weight)
    {
        var (left, top) = ((int)MathF.Floor(x), (int)MathF.Floor(y));
        var (right, low) = (x - left, y - top);
        foreach (var (column, row, share) in new[]
        {
            (left, top, (1 - right) * (1 - low)), (left + 1, top, right * (1 - low)),
            (left, top + 1, (1 - right) * low), (left + 1, top + 1, right * low),
        })
        {
            var offset = (row * Stride) + column;
            if (share > 0) weights[offset] = weights.GetValueOrDefault(offset) + (weight * share);
        }
    }

    /// <summary>target[i] = sum over k of weights[k] * source[i + offsets[k]]; up to a vector beyond the row's end, which lies in the border.</summary>
    private static void WeightedSum(Plane source, Plane target, int[] offsets, float[] weights)
    {
        ref var from = ref MemoryMarshal.GetArrayDataReference(source._values);
        ref var to = ref MemoryMarshal.GetArrayDataReference(target._values);
        for (var y = 0; y < source.Height; y++)
        {
            var start = ((y + Border) * source.Stride) + Border;
            for (var i = start; i < start + source.Width; i += Vector<float>.Count)
            {
                var sum = Vector<float>.Zero;
                for (var k = 0; k < offsets.Length; k++)
                    sum += Vector.LoadUnsafe(ref from, (nuint)(i + offsets[k])) * weights[k];
                sum.StoreUnsafe(ref to, (nuint)i);
            }
        }
    }
}

using Vlm.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

/// <summary>Rotary position embedding in the rotate-half form (arXiv 2104.09864), for one, two or three axes.</summary>
internal static class Rotary
{
    /// <summary>Rotates the pairs (x[j], x[j + D/2]) by the angle of j.</summary>
    /// <param name="x">[.., T, D]</param>
    /// <param name="cos">[.., T, D/2] float32, broadcast over heads.</param>
    /// <param name="sin">As <paramref name="cos"/>.</param>
    /// <returns>[.., T, D] in the type of <paramref name="x"/></returns>
    public static Tensor Apply(Tensor x, Tensor cos, Tensor sin)
    {
        var halves = x.chunk(2, -1);
        (cos, sin) = (cos.to(x.dtype), sin.to(x.dtype));
        return cat([halves[0] * cos - halves[1] * sin, (halves[1] * cos).Plus(halves[0] * sin)], -1);
    }

    /// <summary>M-RoPE: frequency j turns with the time, row or column position, by the section it lies in (Qwen2-VL, arXiv 2409.12191, section 2.1).</summary>
    /// <param name="positions">[3, B, T] int64</param>
    /// <param name="config">Gives theta, head size and sections.</param>
    /// <returns>cos, sin: [B, 1, T, D/2]</returns>
    public static (Tensor Cos, Tensor Sin) MultiAxis(Tensor positions, TextConfig config)
    {
        var half = config.HeadDim / 2;
        var axis = Enumerable.Range(0, 3).SelectMany(a => Enumerable.Repeat((long)a, config.MropeSection[a])).ToArray();
        using var axes = tensor(axis, device: positions.device);
        using var frequencies = Frequencies(half, config.RopeTheta).to(positions.device);
        var perFrequency = positions.index_select(0, axes).permute(1, 2, 0).to(float32);     // [B, T, D/2]
        var angles = (perFrequency * frequencies).unsqueeze(1);
        return (angles.cos(), angles.sin());
    }

    /// <summary>theta^(−j/count) for j = 0 … count − 1.</summary>
    /// <remarks>In float32 throughout, as the reference: at theta 1e6 the double-precision value differs in the last bits of the angle.</remarks>
    public static Tensor Frequencies(int count, double theta)
        => tensor(Enumerable.Range(0, count).Select(j => 1f / MathF.Pow((float)theta, (float)j / count)).ToArray());
}

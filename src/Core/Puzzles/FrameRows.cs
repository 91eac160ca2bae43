using System.Numerics;
using System.Runtime.InteropServices;
using Vlm.Statistics;

namespace Vlm.Puzzles;

/// <summary>How one colour of a row comes about.</summary>
/// <param name="Paper">Level of the paper, 0 to 255.</param>
/// <param name="InkMinusPaper">Level of the ink minus that of the paper.</param>
/// <param name="Tint">Factor of the light's colour.</param>
/// <param name="Contrast">Factor around <see cref="Light.Mid"/>.</param>
/// <param name="Covered">The paper covers the whole row.</param>
internal readonly record struct Shading(float Paper, float InkMinusPaper, float Tint, float Contrast, bool Covered);

/// <summary>Working memory for one row of a camera picture: vectorised arithmetic from ink to bytes.</summary>
internal sealed class FrameRows
{
    private const int NoiseLength = 1 << 15;

    // Rows start at multiples of this and have a vector to spare, so that loops need no remainder.
    private const int Alignment = 32;

    // Gaussian noise, long enough that a row at a random place of it is new to every picture.
    private static readonly float[] Noise = MakeNoise();

    private float[] _memory = [];
    private int _width;
    private int _stride;

    /// <summary>Factor of the light.</summary>
    public Span<float> Gain => Row(0);

    /// <summary>Light added by reflections.</summary>
    public Span<float> Glare => Row(1);

    /// <summary>Share covered by the paper.</summary>
    public Span<float> Mask => Row(2);

    /// <summary>Factor of the paper's own shadow on the background.</summary>
    public Span<float> Shadow => Row(3);

    /// <summary>Level of a colour: first that of the background, then of the whole scene.</summary>
    public Span<float> Level(int colour) => Row(4 + colour);

    /// <summary>Makes room for rows of a frame; contents are undefined.</summary>
    public void Reset(int width)
    {
        _width = width;
        _stride = ((width / Alignment) + 2) * Alignment;
        if (_memory.Length < _stride * 7) _memory = new float[_stride * 7];
    }

    /// <summary>From background to scene: paper and ink over it, then light, then contrast.</summary>
    /// <param name="colour">0 red, 1 green, 2 blue.</param>
    /// <param name="ink">Coverage by ink, 0 to 1, with a vector's room after the row.</param>
    /// <param name="shading">The colour's numbers.</param>
    public void Shade(int colour, Span<float> ink, Shading shading)
    {
        ref var inks = ref MemoryMarshal.GetReference(ink);
        ref var gain = ref MemoryMarshal.GetReference(Gain);
        ref var glare = ref MemoryMarshal.GetReference(Glare);
        ref var mask = ref MemoryMarshal.GetReference(Mask);
        ref var shadow = ref MemoryMarshal.GetReference(Shadow);
        ref var level = ref MemoryMarshal.GetReference(Level(colour));
        var paper = new Vector<float>(shading.Paper);
        var offset = new Vector<float>(Light.Mid * (1 - shading.Contrast));
        for (nuint x = 0; x < (nuint)_width; x += (nuint)Vector<float>.Count)
        {
            var seen = paper + (Vector.LoadUnsafe(ref inks, x) * shading.InkMinusPaper);
            if (!shading.Covered)
            {
                var behind = Vector.LoadUnsafe(ref level, x) * Vector.LoadUnsafe(ref shadow, x);
                seen = behind + ((seen - behind) * Vector.LoadUnsafe(ref mask, x));
            }

            seen = (seen * Vector.LoadUnsafe(ref gain, x) * shading.Tint) + Vector.LoadUnsafe(ref glare, x);
            ((seen * shading.Contrast) + offset).StoreUnsafe(ref level, x);
        }
    }

    /// <summary>Adds noise, a part of it the same in all colours.</summary>
    /// <param name="colour">0 red, 1 green, 2 blue.</param>
    /// <param name="same">Standard deviation of the common part.</param>
    /// <param name="own">Standard deviation of the colour's own part.</param>
    /// <param name="seed">Random bits of this row, the same for all colours.</param>
    public void AddNoise(int colour, float same, float own, ulong seed)
    {
        ref var common = ref Noise[(int)(seed >> 49)];
        ref var single = ref Noise[(int)((seed >> (16 * colour)) & (NoiseLength - 1))];
        ref var level = ref MemoryMarshal.GetReference(Level(colour));
        for (nuint x = 0; x < (nuint)_width; x += (nuint)Vector<float>.Count)
        {
            var noisy = Vector.LoadUnsafe(ref level, x) + (Vector.LoadUnsafe(ref common, x) * same) + (Vector.LoadUnsafe(ref single, x) * own);
            Vector.Min(Vector.Max(noisy, Vector<float>.Zero), new Vector<float>(255)).StoreUnsafe(ref level, x);
        }
    }

    /// <summary>The row as red, green, blue bytes.</summary>
    public void Write(Span<byte> pixels)
    {
        var red = Level(0);
        var green = Level(1);
        var blue = Level(2);
        for (int x = 0, to = 0; x < red.Length; x++, to += 3)
        {
            pixels[to] = (byte)(int)(red[x] + 0.5f);
            pixels[to + 1] = (byte)(int)(green[x] + 0.5f);
            pixels[to + 2] = (byte)(int)(blue[x] + 0.5f);
        }
    }

    private Span<float> Row(int index) => _memory.AsSpan(index * _stride, _width);

    private static float[] MakeNoise()
    {
        var rng = new SeededRandom(1);
        // Beyond the last starting place there must be room for the widest frame and a vector.
        var noise = new float[NoiseLength + 4096];
        foreach (ref var value in noise.AsSpan())
            value = MathF.Sqrt(-2 * MathF.Log(1 - rng.NextSingle())) * MathF.Cos(MathF.Tau * rng.NextSingle());
        return noise;
    }
}

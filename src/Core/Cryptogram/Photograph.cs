using System.Numerics;
using System.Runtime.InteropServices;
using Vlm.Vision;

namespace Vlm.Cryptogram;

/// <summary>
/// Turns a sheet into a picture: flat, or through a <see cref="CameraShot"/>. One warp of one plane straight into the frame; light, colours and
/// noise row by row. Not thread-safe: one per thread, memory is kept between pictures.
/// </summary>
internal sealed class Photograph
{
    private const int NoiseTableSize = 4096;

    // Distances to the paper's edge beyond this many pixels do not matter.
    private const float FarOutside = -24;

    private static readonly float[] NoiseTable = MakeNoiseTable();

    private readonly Plane _ink = new();
    private readonly Plane _edge = new();
    private readonly Plane _scratch = new();
    private float[] _rows = [];

    /// <summary>The sheet as it is.</summary>
    public static RgbImage Flat(Sheet sheet, SheetStyle style)
    {
        Span<byte> colours = stackalloc byte[256 * 3];
        for (var ink = 0; ink < 256; ink++)
        {
            colours[ink * 3] = Mix(style.Paper.R, style.Ink.R, ink);
            colours[(ink * 3) + 1] = Mix(style.Paper.G, style.Ink.G, ink);
            colours[(ink * 3) + 2] = Mix(style.Paper.B, style.Ink.B, ink);
        }

        var pixels = new byte[sheet.Ink.Length * 3];
        for (int i = 0, to = 0; i < sheet.Ink.Length; i++, to += 3)
        {
            var colour = sheet.Ink[i] * 3;
            pixels[to] = colours[colour];
            pixels[to + 1] = colours[colour + 1];
            pixels[to + 2] = colours[colour + 2];
        }

        return new RgbImage(sheet.Width, sheet.Height, pixels);
    }

    /// <summary>The sheet as the camera sees it; <paramref name="map"/> takes sheet pixels to frame pixels.</summary>
    public RgbImage Take(Sheet sheet, SheetStyle style, CameraShot shot, Homography map, SeededRandom rng)
    {
        _ink.Reset(shot.Width, shot.Height);
        _edge.Reset(shot.Width, shot.Height);
        Warp(sheet, map, shot);
        if (shot.Motion != default) _ink.Smear(shot.Motion.X, shot.Motion.Y, _scratch);
        _ink.Blur(shot.Defocus, _scratch);
        var light = Light.Draw(rng, shot.Severity, shot.Width, shot.Height);
        var picture = Develop(style, shot, light, Backdrop.Draw(rng, shot.Width, shot.Height), rng.NextBits());
        return shot.JpegQuality == 0 ? picture : ImageCodec.Decode(ImageCodec.EncodeJpeg(picture, shot.JpegQuality));
    }

    private static byte Mix(byte paper, byte ink, int share) => (byte)(paper + (((ink - paper) * share) / 255));

    /// <summary>Samples ink (0 to 1) and the signed distance to the paper's edge (frame pixels, positive inside) for every pixel of the frame.</summary>
    private void Warp(Sheet sheet, Homography map, CameraShot shot)
    {
        var back = map.Inverse();
        var margin = shot.PaperMargin * Math.Max(sheet.Width, sheet.Height);
        var scale = (float)Math.Sqrt(Math.Abs((map.A * map.E) - (map.B * map.D)));
        for (var y = 0; y < shot.Height; y++)
        {
            var ink = _ink.Row(y);
            var edge = _edge.Row(y);
            var v = y + 0.5;
            var start = ((float)((back.A * 0.5) + (back.B * v) + back.C), (float)((back.D * 0.5) + (back.E * v) + back.F), (float)((back.G * 0.5) + (back.H * v) + back.I));
            WarpRow(sheet, start, ((float)back.A, (float)back.D, (float)back.G), ink, edge);
            for (var x = 0; x < edge.Length; x++) edge[x] = (edge[x] + margin) * scale;
        }
    }

    private static void WarpRow(Sheet sheet, (float U, float V, float W) start, (float U, float V, float W) step, Span<float> ink, Span<float> edge)
    {
        var (width, height) = (sheet.Width, sheet.Height);
        ref var source = ref MemoryMarshal.GetArrayDataReference(sheet.Ink);
        for (var x = 0; x < ink.Length; x++)
        {
            var inverse = 1 / (start.W + (x * step.W));
            var u = (start.U + (x * step.U)) * inverse;
            var v = (start.V + (x * step.V)) * inverse;
            edge[x] = MathF.Min(MathF.Min(u, width - u), MathF.Min(v, height - v));
            u -= 0.5f;
            v -= 0.5f;
            if (!(u >= 0 && v >= 0 && u < width - 1 && v < height - 1)) continue;
            var (column, row) = ((int)u, (int)v);
            ref var at = ref System.Runtime.CompilerServices.Unsafe.Add(ref source, (row * width) + column);
            var (right, low) = (u - column, v - row);
            var top = at + (right * (System.Runtime.CompilerServices.Unsafe.Add(ref at, 1) - at));
            var below = System.Runtime.CompilerServices.Unsafe.Add(ref at, width);
            var bottom = below + (right * (System.Runtime.CompilerServices.Unsafe.Add(ref at, width + 1) - below));
            ink[x] = (top + (low * (bottom - top))) * (1 / 255f);
        }
    }

    private RgbImage Develop(SheetStyle style, CameraShot shot, Light light, Field[] backdrop, ulong noiseSeed)
    {
        var padded = shot.Width + Vector<float>.Count;
        if (_rows.Length < padded * 7) _rows = new float[padded * 7];
        var rows = new DevelopRows(_rows, padded, shot.Width);
        var paper = new[] { style.Paper.R, style.Paper.G, style.Paper.B };
        var ink = new[] { style.Ink.R, style.Ink.G, style.Ink.B };
        var pixels = new byte[shot.Width * shot.Height * 3];
        for (var y = 0; y < shot.Height; y++)
        {
            light.Gain.Row(y, rows.Gain);
            if (light.Glare is null) rows.Glare.Clear();
            else light.Glare.Row(y, rows.Glare);
            var covered = Cover(_edge.Row(y), shot, rows.Mask, rows.Shadow);
            for (var c = 0; c < 3; c++)
            {
                if (!covered) backdrop[c].Row(y, rows.Behind);
                var scene = new Scene(paper[c], ink[c] - paper[c], light.Tint[c], light.Contrast, covered);
                Shade(_ink.Row(y), rows, scene);
                Store(rows.Behind, pixels.AsSpan((y * shot.Width * 3) + c), shot, SeededRandom.Mix(noiseSeed + (ulong)y), c);
            }
        }

        return new RgbImage(shot.Width, shot.Height, pixels);
    }

    /// <summary>How much of each pixel the paper covers, and the shadow it casts beyond its edge; true if it covers the whole row.</summary>
    private static bool Cover(Span<float> edge, CameraShot shot, Span<float> mask, Span<float> shadow)
    {
        var softness = 1 / MathF.Max(1, 2 * shot.Defocus);
        var covered = true;
        for (var x = 0; x < edge.Length; x++)
        {
            mask[x] = Math.Clamp((edge[x] * softness) + 0.5f, 0, 1);
            covered &= mask[x] == 1;
            var near = Math.Clamp(1 - (edge[x] / FarOutside), 0, 1);
            shadow[x] = 1 - (shot.EdgeShadow * near * near);
        }

        return covered;
    }

    /// <summary>One colour of one row, in place of <c>Behind</c>.</summary>
    private static void Shade(Span<float> ink, DevelopRows rows, Scene scene)
    {
        var level = rows.Behind;
        for (var x = 0; x < level.Length; x++)
        {
            var seen = scene.Paper + (scene.InkMinusPaper * ink[x]);
            if (!scene.Covered)
            {
                var behind = level[x] * rows.Shadow[x];
                seen = behind + ((seen - behind) * rows.Mask[x]);
            }

            seen = (seen * rows.Gain[x] * scene.Tint) + rows.Glare[x];
            level[x] = Light.Mid + (scene.Contrast * (seen - Light.Mid));
        }
    }

    /// <summary>Adds noise and writes every third byte. The noise of all colours starts from one seed, so a part of it is grey.</summary>
    private static void Store(Span<float> level, Span<byte> target, CameraShot shot, ulong seed, int channel)
    {
        var colour = shot.Noise * shot.ColourNoise;
        var grey = shot.Noise - colour;
        var state = seed | 1;
        for (int x = 0, to = 0; x < level.Length; x++, to += 3)
        {
            // xorshift: quality hardly matters, speed does.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            var noise = (grey * NoiseTable[state >> 52]) + (colour * NoiseTable[(state >> (12 * channel)) & (NoiseTableSize - 1)]);
            target[to] = (byte)Math.Clamp(level[x] + noise + 0.5f, 0, 255);
        }
    }

    private static float[] MakeNoiseTable()
    {
        var rng = new SeededRandom(1);
        var table = new float[NoiseTableSize];
        foreach (ref var value in table.AsSpan())
            value = MathF.Sqrt(-2 * MathF.Log(1 - rng.NextSingle())) * MathF.Cos(MathF.Tau * rng.NextSingle());
        return table;
    }

    private readonly record struct Scene(float Paper, float InkMinusPaper, float Tint, float Contrast, bool Covered);

    private readonly ref struct DevelopRows(float[] memory, int stride, int width)
    {
        public Span<float> Gain { get; } = memory.AsSpan(0, width);

        public Span<float> Glare { get; } = memory.AsSpan(stride, width);

        public Span<float> Mask { get; } = memory.AsSpan(2 * stride, width);

        public Span<float> Shadow { get; } = memory.AsSpan(3 * stride, width);

        public Span<float> Behind { get; } = memory.AsSpan(4 * stride, width);
    }
}

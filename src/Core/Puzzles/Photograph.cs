using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Puzzles;

/// <summary>
/// Turns a sheet into a picture: flat, or through a <see cref="CameraShot"/>. One warp of one plane straight into the frame; light, colours and
/// noise row by row. Not thread-safe: one per thread, memory is kept between pictures.
/// </summary>
internal sealed class Photograph
{
    // Distances to the paper's edge beyond this many pixels do not matter.
    private const float FarOutside = -24;

    private readonly Plane _ink = new();
    private readonly Plane _edge = new();
    private readonly Plane _scratch = new();
    private readonly FrameRows _rows = new();

    /// <summary>The sheet as it is.</summary>
    public static RgbImage Flat(Sheet sheet, SheetStyle style)
    {
        var colours = new uint[256];
        for (var ink = 0; ink < colours.Length; ink++)
        {
            colours[ink] = Mix(style.Paper.R, style.Ink.R, ink) | ((uint)Mix(style.Paper.G, style.Ink.G, ink) << 8)
                | ((uint)Mix(style.Paper.B, style.Ink.B, ink) << 16);
        }

        var inks = sheet.Ink;
        var pixels = GC.AllocateUninitializedArray<byte>(inks.Length * 3);
        ref var target = ref MemoryMarshal.GetArrayDataReference(pixels);
        // Four bytes are written for each three; the next pixel repairs the fourth, so the last pixel is written byte by byte.
        for (var i = 0; i < inks.Length - 1; i++)
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, i * 3), colours[inks[i]]);
        var last = colours[inks[^1]];
        for (var c = 0; c < 3; c++) pixels[^(3 - c)] = (byte)(last >> (8 * c));
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
        var backdrop = Backdrop.Draw(rng, shot.Width, shot.Height);
        var picture = Develop(style, shot, light, backdrop, rng);
        return shot.JpegQuality == 0 ? picture : ImageCodec.Decode(ImageCodec.EncodeJpeg(picture, shot.JpegQuality));
    }

    private static byte Mix(byte paper, byte ink, int share) => (byte)(paper + (((ink - paper) * share) / 255));

    /// <summary>Samples ink (0 to 1) and the signed distance to the paper's edge (frame pixels, positive inside) for every pixel of the frame.</summary>
    private void Warp(Sheet sheet, Homography map, CameraShot shot)
    {
        var back = map.Inverse();
        var margin = shot.PaperMargin * Math.Max(sheet.Width, sheet.Height);
        var scale = (float)Math.Sqrt(Math.Abs((map.A * map.E) - (map.B * map.D)));
        var step = new Vector3((float)back.A, (float)back.D, (float)back.G);
        for (var y = 0; y < shot.Height; y++)
        {
            var (u, v) = (0.5, y + 0.5);
            var start = new Vector3(
                (float)((back.A * u) + (back.B * v) + back.C), (float)((back.D * u) + (back.E * v) + back.F), (float)((back.G * u) + (back.H * v) + back.I));
            var edge = _edge.Row(y);
            WarpRow(sheet, start, step, _ink.Row(y), edge);
            for (var x = 0; x < edge.Length; x++) edge[x] = (edge[x] + margin) * scale;
        }
    }

    private static void WarpRow(Sheet sheet, Vector3 start, Vector3 step, Span<float> ink, Span<float> edge)
    {
        float width = sheet.Width, height = sheet.Height;
        ref var source = ref MemoryMarshal.GetReference(sheet.Ink);
        for (var x = 0; x < ink.Length; x++)
        {
            var inverse = 1 / (start.Z + (x * step.Z));
            var u = (start.X + (x * step.X)) * inverse;
            var v = (start.Y + (x * step.Y)) * inverse;
            edge[x] = MathF.Min(MathF.Min(u, width - u), MathF.Min(v, height - v));
            u -= 0.5f;
            v -= 0.5f;
            // Also false for NaN. The outermost half pixel of a sheet is never inked.
            if (u >= 0 && v >= 0 && u < width - 1 && v < height - 1) ink[x] = Sample(ref source, sheet.Width, u, v);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sample(ref byte source, int width, float u, float v)
    {
        var (column, row) = ((int)u, (int)v);
        ref var at = ref Unsafe.Add(ref source, (row * width) + column);
        ref var under = ref Unsafe.Add(ref at, width);
        var (right, low) = (u - column, v - row);
        var top = at + (right * (Unsafe.Add(ref at, 1) - at));
        var bottom = under + (right * (Unsafe.Add(ref under, 1) - under));
        return (top + (low * (bottom - top))) * (1 / 255f);
    }

    private RgbImage Develop(SheetStyle style, CameraShot shot, Light light, Field[] backdrop, SeededRandom rng)
    {
        var pixels = GC.AllocateUninitializedArray<byte>(shot.Width * shot.Height * 3);
        _rows.Reset(shot.Width);
        if (light.Glare is null) _rows.Glare.Clear();
        byte[] paper = [style.Paper.R, style.Paper.G, style.Paper.B];
        byte[] ink = [style.Ink.R, style.Ink.G, style.Ink.B];
        for (var y = 0; y < shot.Height; y++)
        {
            light.Gain.Row(y, _rows.Gain);
            light.Glare?.Row(y, _rows.Glare);
            var covered = Cover(_edge.Row(y), shot);
            var noise = rng.NextBits();
            for (var c = 0; c < 3; c++)
            {
                var level = _rows.Level(c);
                if (!covered) backdrop[c].Row(y, level);
                _rows.Shade(c, _ink.Row(y), new Shading(paper[c], ink[c] - paper[c], light.Tint[c], light.Contrast, covered));
                _rows.AddNoise(c, shot.Noise * (1 - shot.ColourNoise), shot.Noise * shot.ColourNoise, noise);
            }

            _rows.Write(pixels.AsSpan(y * shot.Width * 3, shot.Width * 3));
        }

        return new RgbImage(shot.Width, shot.Height, pixels);
    }

    /// <summary>How much of each pixel the paper covers, and the shadow it casts beyond its edge; true if it covers the whole row.</summary>
    private bool Cover(Span<float> edge, CameraShot shot)
    {
        var softness = 1 / MathF.Max(1, 2 * shot.Defocus);
        var mask = _rows.Mask;
        var shadow = _rows.Shadow;
        var covered = true;
        for (var x = 0; x < edge.Length; x++)
        {
            mask[x] = Math.Clamp((edge[x] * softness) + 0.5f, 0, 1);
            covered &= mask[x] == 1;
        }

        if (covered) return true;
        for (var x = 0; x < edge.Length; x++)
        {
            var near = Math.Clamp(1 - (edge[x] / FarOutside), 0, 1);
            shadow[x] = 1 - (shot.EdgeShadow * near * near);
        }

        return false;
    }
}

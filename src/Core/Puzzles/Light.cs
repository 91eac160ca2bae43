using Vlm.Statistics;

namespace Vlm.Puzzles;

/// <summary>
/// How a scene's brightness reaches the picture: value = mid + contrast * (scene * gain * tint + glare - mid), with gain and glare
/// varying over the frame.
/// </summary>
internal sealed record Light(Field Gain, Field? Glare, float[] Tint, float Contrast)
{
    /// <summary>The grey level that a loss of contrast leaves unchanged.</summary>
    public const float Mid = 128;

    private const int Step = 8;
    private const int FineStep = 2;

    /// <summary>Draws light for a severity of 1 to 5.</summary>
    public static Light Draw(SeededRandom rng, int severity, int width, int height)
    {
        var bright = 1 - rng.Uniform(-0.03f, 0.09f * severity);
        var (sin, cos) = MathF.SinCos(rng.Uniform(0, MathF.Tau));
        var slope = rng.Uniform(0, 0.18f * severity) * (rng.Chance(0.7) ? 1 : 0.2f);
        var vignette = rng.Chance(0.3) ? rng.Uniform(0, 0.08f * severity) : 0;
        var shadow = DrawShadow(rng, severity, out var step);
        var gain = Field.From(width, height, step, (x, y) =>
        {
            var (dx, dy) = (x - 0.5f, y - 0.5f);
            var even = bright * (1 + (slope * ((dx * cos) + (dy * sin)))) * (1 - (2 * vignette * ((dx * dx) + (dy * dy))));
            return shadow is null ? even : even * shadow(x, y);
        });
        return new Light(gain, Glints(rng, severity, width, height), Tints(rng, severity), 1 - rng.Uniform(0, 0.09f * severity));
    }

    /// <summary>No shadow, one with a soft edge, or hard-edged ones; those need a finer field.</summary>
    private static Func<float, float, float>? DrawShadow(SeededRandom rng, int severity, out int step)
    {
        step = Step;
        var kind = rng.NextDouble();
        if (kind < 0.1 + (0.04 * severity)) return Shadow(rng, rng.Uniform(0.05f, 0.11f * severity));
        if (kind > 0.22 + (0.04 * severity)) return null;
        step = FineStep;
        var shapes = Enumerable.Range(0, rng.Between(1, 3)).Select(_ => Polygon(rng)).ToArray();
        var depth = rng.Uniform(0.1f, 0.12f * (severity + 1));
        return (x, y) =>
        {
            var left = 1f;
            foreach (var shape in shapes) left *= Inside(shape, x, y) ? 1 - depth : 1;
            return left;
        };
    }

    /// <summary>A ragged shape of three to six corners, which may cross itself.</summary>
    private static (float X, float Y)[] Polygon(SeededRandom rng)
    {
        var (atX, atY, reach) = (rng.NextSingle(), rng.NextSingle(), rng.Uniform(0.2f, 0.8f));
        return [.. Enumerable.Range(0, rng.Between(3, 6)).Select(_ => (atX + rng.Uniform(-reach, reach), atY + rng.Uniform(-reach, reach)))];
    }

    /// <summary>Even-odd rule: a ray to the right crosses the border an odd number of times.</summary>
    private static bool Inside((float X, float Y)[] corners, float x, float y)
    {
        var inside = false;
        for (int i = 0, j = corners.Length - 1; i < corners.Length; j = i++)
        {
            var (from, to) = (corners[i], corners[j]);
            if ((from.Y > y) != (to.Y > y) && x < from.X + ((to.X - from.X) * (y - from.Y) / (to.Y - from.Y))) inside = !inside;
        }

        return inside;
    }

    /// <summary>Darkens one side of a line with a soft edge: a hand, a window frame.</summary>
    private static Func<float, float, float> Shadow(SeededRandom rng, float depth)
    {
        var (sin, cos) = MathF.SinCos(rng.Uniform(0, MathF.Tau));
        var (atX, atY) = (rng.Uniform(0.15f, 0.85f), rng.Uniform(0.15f, 0.85f));
        var sharpness = 1 / rng.Uniform(0.02f, 0.25f);
        var band = rng.Chance(0.3) ? rng.Uniform(0.1f, 0.4f) : 10;
        return (x, y) =>
        {
            var distance = ((x - atX) * cos) + ((y - atY) * sin);
            var inside = MathF.Min(distance, band - distance);
            return 1 - (depth * Math.Clamp((inside * sharpness) + 0.5f, 0, 1));
        };
    }

    private static Field? Glints(SeededRandom rng, int severity, int width, int height)
    {
        if (!rng.Chance(0.06 * severity)) return null;
        var (atX, atY) = (rng.NextSingle(), rng.NextSingle());
        var (spreadX, spreadY) = (rng.Uniform(0.06f, 0.3f), rng.Uniform(0.06f, 0.3f));
        var strength = rng.Uniform(8, 26) * severity;
        return Field.From(width, height, Step, (x, y) =>
        {
            var (dx, dy) = ((x - atX) / spreadX, (y - atY) / spreadY);
            return strength * MathF.Exp(-0.5f * ((dx * dx) + (dy * dy)));
        });
    }

    private static float[] Tints(SeededRandom rng, int severity)
    {
        var reach = rng.Chance(0.25) ? 0.045f * severity : 0.012f * severity;
        return [1 + rng.Uniform(-reach, reach), 1, 1 + rng.Uniform(-reach, reach)];
    }
}

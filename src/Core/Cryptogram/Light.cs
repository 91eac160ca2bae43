namespace Vlm.Cryptogram;

/// <summary>
/// How a scene's brightness reaches the picture: value = mid + contrast * (scene * gain * tint + glare - mid), with gain and glare
/// varying over the frame.
/// </summary>
internal sealed record Light(Field Gain, Field? Glare, float[] Tint, float Contrast)
{
    /// <summary>The grey level that a loss of contrast leaves unchanged.</summary>
    public const float Mid = 128;

    private const int Step = 8;

    /// <summary>Draws light for a severity of 1 to 5.</summary>
    public static Light Draw(SeededRandom rng, int severity, int width, int height)
    {
        var bright = 1 - rng.Uniform(-0.03f, 0.09f * severity);
        var (sin, cos) = MathF.SinCos(rng.Uniform(0, MathF.Tau));
        var slope = rng.Uniform(0, 0.18f * severity) * (rng.Chance(0.7) ? 1 : 0.2f);
        var vignette = rng.Chance(0.3) ? rng.Uniform(0, 0.08f * severity) : 0;
        var shadow = rng.Chance(0.15 + (0.05 * severity)) ? Shadow(rng, rng.Uniform(0.05f, 0.11f * severity)) : null;
        var gain = Field.From(width, height, Step, (x, y) =>
        {
            var (dx, dy) = (x - 0.5f, y - 0.5f);
            var even = bright * (1 + (slope * ((dx * cos) + (dy * sin)))) * (1 - (2 * vignette * ((dx * dx) + (dy * dy))));
            return shadow is null ? even : even * shadow(x, y);
        });
        return new Light(gain, Glints(rng, severity, width, height), Tints(rng, severity), 1 - rng.Uniform(0, 0.09f * severity));
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

using Vlm.Statistics;

namespace Vlm.Puzzles;

/// <summary>What lies around the sheet in a camera picture: three fields (red, green, blue), 0 to 255, slightly out of focus.</summary>
internal static class Backdrop
{
    private const int Step = 4;

    /// <summary>Draws a background at random: plain, gradient, grey or coloured clouds, stripes, clutter.</summary>
    public static Field[] Draw(SeededRandom rng, int width, int height)
    {
        Field[] channels = [new(width, height, Step), new(width, height, Step), new(width, height, Step)];
        if (rng.Chance(0.3))
        {
            // Colours that run into each other: every colour has clouds of its own.
            foreach (var channel in channels) Paint(channel, Clouds(rng), rng.Uniform(0, 110), rng.Uniform(130, 255));
            Grain(rng, channels, rng.Uniform(0, 8));
            return channels;
        }

        var look = rng.NextDouble();
        var low = Colour(rng);
        var high = Array.ConvertAll(low, level => Math.Clamp(level + rng.Uniform(-90, 90), 0, 255));
        Func<float, float, float> blend = look switch
        {
            < 0.2 => (_, _) => 0,
            < 0.4 => Gradient(rng),
            < 0.55 => Stripes(rng),
            _ => Clouds(rng),
        };
        for (var c = 0; c < 3; c++) Paint(channels[c], blend, low[c], high[c]);
        if (look > 0.7) Clutter(rng, channels);
        Grain(rng, channels, rng.Uniform(0, 10));
        return channels;
    }

    private static void Paint(Field channel, Func<float, float, float> blend, float low, float high)
    {
        for (var row = 0; row < channel.Rows; row++)
        {
            for (var column = 0; column < channel.Columns; column++)
            {
                var share = blend(column / (float)channel.Columns, row / (float)channel.Rows);
                channel.Values[(row * channel.Columns) + column] = low + ((high - low) * share);
            }
        }
    }

    /// <summary>Half of the colours are greys and woods, half anything; bright ones too, against which a sheet hardly stands out.</summary>
    private static float[] Colour(SeededRandom rng)
    {
        var level = rng.Uniform(15, 250);
        if (rng.Chance(0.35)) return [level, level, level];
        return rng.Chance(0.25)
            ? [level, level * rng.Uniform(0.6f, 0.9f), level * rng.Uniform(0.35f, 0.7f)]
            : [rng.Uniform(10, 250), rng.Uniform(10, 250), rng.Uniform(10, 250)];
    }

    private static Func<float, float, float> Gradient(SeededRandom rng)
    {
        var (sin, cos) = MathF.SinCos(rng.Uniform(0, MathF.Tau));
        return (x, y) => 0.5f + (0.7f * (((x - 0.5f) * cos) + ((y - 0.5f) * sin)));
    }

    private static Func<float, float, float> Stripes(SeededRandom rng)
    {
        var (sin, cos) = MathF.SinCos(rng.Uniform(0, MathF.Tau));
        var waves = rng.Uniform(10, 90);
        var bend = rng.Uniform(0, 2.5f);
        var phase = rng.Uniform(0, 6);
        return (x, y) => 0.5f + (0.5f * MathF.Sin((waves * ((x * cos) + (y * sin))) + (bend * MathF.Sin((9 * y) + phase))));
    }

    private static Func<float, float, float> Clouds(SeededRandom rng)
    {
        var cells = rng.Between(2, 7);
        var values = new float[(cells + 2) * (cells + 2)];
        foreach (ref var value in values.AsSpan()) value = rng.NextSingle();
        return (x, y) =>
        {
            var (column, row) = ((int)(x * cells), (int)(y * cells));
            var (right, low) = ((x * cells) - column, (y * cells) - row);
            var at = (row * (cells + 2)) + column;
            var top = values[at] + (right * (values[at + 1] - values[at]));
            var bottom = values[at + cells + 2] + (right * (values[at + cells + 3] - values[at + cells + 2]));
            return top + (low * (bottom - top));
        };
    }

    /// <summary>Rotated rectangles and ellipses: things on a table, printed lines, edges of other papers.</summary>
    private static void Clutter(SeededRandom rng, Field[] channels)
    {
        for (var things = rng.Between(3, 24); things > 0; things--)
        {
            var thing = new Thing(
                rng.Uniform(0, channels[0].Columns), rng.Uniform(0, channels[0].Rows), rng.Uniform(1, 22), rng.Uniform(0.6f, 14),
                rng.Uniform(0, MathF.PI), rng.Chance(0.4));
            var colour = Colour(rng);
            for (var c = 0; c < 3; c++) thing.PaintOn(channels[c], colour[c]);
        }
    }

    private static void Grain(SeededRandom rng, Field[] channels, float strength)
    {
        for (var i = 0; i < channels[0].Values.Length; i++)
        {
            var grain = rng.Uniform(-strength, strength);
            foreach (var channel in channels) channel.Values[i] = Math.Clamp(channel.Values[i] + grain, 0, 255);
        }
    }

    private sealed record Thing(float X, float Y, float HalfLength, float HalfWidth, float Angle, bool Round)
    {
        public void PaintOn(Field channel, float level)
        {
            var (sin, cos) = MathF.SinCos(Angle);
            var reach = HalfLength + HalfWidth + 1;
            var (left, right) = (Math.Max(0, (int)(X - reach)), Math.Min(channel.Columns - 1, (int)(X + reach)));
            var (top, bottom) = (Math.Max(0, (int)(Y - reach)), Math.Min(channel.Rows - 1, (int)(Y + reach)));
            for (var row = top; row <= bottom; row++)
            {
                for (var column = left; column <= right; column++)
                {
                    var along = (((column - X) * cos) + ((row - Y) * sin)) / HalfLength;
                    var across = (((row - Y) * cos) - ((column - X) * sin)) / HalfWidth;
                    var round = (1 - MathF.Sqrt((along * along) + (across * across))) * MathF.Min(HalfLength, HalfWidth);
                    var square = MathF.Min((1 - MathF.Abs(along)) * HalfLength, (1 - MathF.Abs(across)) * HalfWidth);
                    ref var value = ref channel.Values[(row * channel.Columns) + column];
                    value += (level - value) * Math.Clamp((Round ? round : square) + 0.5f, 0, 1);
                }
            }
        }
    }
}

using Vlm.Finding;
using Vlm.Puzzles;
using Vlm.Statistics;

namespace Vlm.Trainer.Finder;

/// <summary>B scenes as the finder sees them, and what is right.</summary>
/// <param name="Frames">[B · 144 · 192] −1 to 1.</param>
/// <param name="Corners">[B · 4 · 2] shares of the sides; anything without a sheet.</param>
/// <param name="Seen">[B · 5] 1 or 0: a sheet is there; each of its corners can be seen.</param>
/// <param name="Diagonals">[B] of the sheets, in shares of the finder's diagonal; 0 without one.</param>
public sealed record SceneBatch(float[] Frames, float[] Corners, float[] Seen, double[] Diagonals)
{
    /// <summary>Scenes.</summary>
    public int Count => Diagonals.Length;
}

/// <summary>Draws batches: number n is a function of the seed and n alone.</summary>
public sealed class SceneBatches
{
    // A real frame has 640 to 1,920 columns, the finder 192: more than this would only be averaged away.
    private const double FrameScale = 0.4;

    /// <summary>Share of sheets of which something covers a corner.</summary>
    private const double CoveredCorner = 0.15;

    private readonly PuzzleSource _source;
    private readonly long _seed;

    /// <param name="split">Training, or scenes to measure with.</param>
    /// <param name="seed">Of the scenes.</param>
    /// <param name="empty">Share without a decoder.</param>
    public SceneBatches(Split split, long seed, double empty)
    {
        var filled = 1 - empty;
        _source = new PuzzleSource(
            PuzzleOptions.For(split, 1, 4) with
            {
                Pictures = PictureMix.ReferenceOnly with { Reference400 = 0, Scene = 1, MinSeverity = 1, MaxSeverity = 4, FrameScale = FrameScale },
                Strata = new StratumMix { Whole = 0.7 * filled, Reversed = 0.2 * filled, Absent = 0.1 * filled, Empty = empty },
            },
            seed);
        _seed = seed;
    }

    /// <summary>Batch n.</summary>
    public SceneBatch Draw(long n, int count)
    {
        var batch = new SceneBatch(new float[count * FinderInput.Width * FinderInput.Height], new float[count * 8], new float[count * 5], new double[count]);
        for (var i = 0; i < count; i++) Draw((n * count) + i, i, batch);
        return batch;
    }

    private void Draw(long index, int place, SceneBatch batch)
    {
        var scene = _source.At(index);
        var input = FinderInput.Of(scene.Picture);
        input.Values.CopyTo(batch.Frames.AsSpan(place * input.Values.Length));
        if (scene.Corners is not { } corners) return;
        var quad = Quad.Upright([.. corners.Select(corner => ((double)corner.X, (double)corner.Y))]);
        batch.Diagonals[place] = quad.Diagonal * input.Scale / Math.Sqrt((FinderInput.Width * FinderInput.Width) + (FinderInput.Height * FinderInput.Height));
        batch.Seen.AsSpan(place * 5, 5).Fill(1);
        (float X, float Y)[] shares = [.. quad.Corners.Select(corner => input.ToShares(((float)corner.X, (float)corner.Y)))];
        for (var i = 0; i < 4; i++) (batch.Corners[(place * 8) + (2 * i)], batch.Corners[(place * 8) + (2 * i) + 1]) = shares[i];

        var rng = SeededRandom.From(_seed, index, 77);
        if (!rng.Chance(CoveredCorner)) return;
        var covered = rng.Next(4);
        batch.Seen[(place * 5) + 1 + covered] = 0;
        Cover(batch.Frames.AsSpan(place * input.Values.Length, input.Values.Length), shares[covered], rng);
    }

    /// <summary>A finger, or another thing, over a point.</summary>
    private static void Cover(Span<float> frame, (float X, float Y) at, SeededRandom rng)
    {
        var (x, y) = ((at.X * FinderInput.Width) + rng.Uniform(-2, 2), (at.Y * FinderInput.Height) + rng.Uniform(-2, 2));
        var (sin, cos) = MathF.SinCos(rng.Uniform(0, MathF.Tau));
        var (length, width, level) = (rng.Uniform(6, 22), rng.Uniform(3, 8), rng.Uniform(-0.8f, 0.7f));
        for (var row = 0; row < FinderInput.Height; row++)
        {
            for (var column = 0; column < FinderInput.Width; column++)
            {
                var along = (((column - x) * cos) + ((row - y) * sin)) / length;
                var across = (((row - y) * cos) - ((column - x) * sin)) / width;
                if ((along * along) + (across * across) < 1) frame[(row * FinderInput.Width) + column] = level;
            }
        }
    }
}

namespace Vlm.Vision;

/// <summary>A picture as the vision tower takes it: normalised patches, block by block.</summary>
/// <param name="Values">[N, 3 x frames x rows x columns] one patch per row; blocks of merge x merge patches follow each other.</param>
/// <param name="Grid">How many patches there are in each direction.</param>
public sealed record Patches(float[] Values, PatchGrid Grid)
{
    /// <summary>Resizes the picture to its smart size, normalises and cuts it.</summary>
    /// <exception cref="PictureException">One side is more than 200 times the other.</exception>
    public static Patches From(RgbImage image, PictureConfig config)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(config);
        (int height, int width) = Resize.Smart(image.Height, image.Width, config);
        RgbImage resized = Resize.Bicubic(image, width, height);
        var grid = new PatchGrid(1, height / config.PatchSize, width / config.PatchSize);
        float[] values = GC.AllocateUninitializedArray<float>(checked(grid.Patches * config.PatchLength));
        float[] levels = Levels(config);
        long[] positions = PatchPositions.For(grid, config.MergeSize);
        for (int patch = 0; patch < grid.Patches; patch++)
        {
            int corner = ((int)positions[patch * 2] * width + (int)positions[patch * 2 + 1]) * config.PatchSize * 3;
            Cut(resized.Pixels.AsSpan(corner), width * 3, levels, config, values.AsSpan(patch * config.PatchLength, config.PatchLength));
        }
        return new Patches(values, grid);
    }

    private static void Cut(ReadOnlySpan<byte> pixels, int stride, float[] levels, PictureConfig config, Span<float> patch)
    {
        int side = config.PatchSize;
        int plane = side * side;
        for (int channel = 0; channel < 3; channel++)
        {
            ReadOnlySpan<float> level = levels.AsSpan(channel * 256, 256);
            Span<float> frames = patch.Slice(channel * plane * config.TemporalPatchSize, plane * config.TemporalPatchSize);
            for (int row = 0; row < side; row++)
            {
                ReadOnlySpan<byte> line = pixels.Slice(row * stride, side * 3);
                Span<float> target = frames.Slice(row * side, side);
                for (int column = 0, at = channel; column < target.Length; column++, at += 3)
                    target[column] = level[line[at]];
            }
            for (int frame = 1; frame < config.TemporalPatchSize; frame++)
                frames[..plane].CopyTo(frames[(frame * plane)..]);
        }
    }

    /// <summary>[3, 256] the normalised value of each byte of each channel, rounded where the reference rounds.</summary>
    private static float[] Levels(PictureConfig config)
    {
        var levels = new float[3 * 256];
        for (int channel = 0; channel < 3; channel++)
        {
            for (int level = 0; level < 256; level++)
                levels[channel * 256 + level] = ((float)(level * (1 / 255.0)) - config.Mean[channel]) / config.Std[channel];
        }
        return levels;
    }
}

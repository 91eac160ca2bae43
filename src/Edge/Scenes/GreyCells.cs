using Vlm.Vision;

namespace Vlm.Edge.Scenes;

/// <summary>Means over the cells of a grid.</summary>
internal static class GreyCells
{
    /// <summary>[rows, columns], each in [0, 255], the luminance of ITU-R BT.601.</summary>
    public static float[] Of(RgbImage picture, int columns, int rows)
    {
        var sums = new long[rows * columns];
        var counts = new int[rows * columns];
        var columnOf = new int[picture.Width];
        for (var x = 0; x < picture.Width; x++) columnOf[x] = (int)((long)x * columns / picture.Width);
        for (var y = 0; y < picture.Height; y++)
        {
            var first = (int)((long)y * rows / picture.Height) * columns;
            var line = picture.Pixels.AsSpan(y * picture.Width * 3, picture.Width * 3);
            for (var x = 0; x < picture.Width; x++)
            {
                sums[first + columnOf[x]] += (299 * line[x * 3]) + (587 * line[(x * 3) + 1]) + (114 * line[(x * 3) + 2]);
                counts[first + columnOf[x]]++;
            }
        }
        // A picture with fewer pixels than cells leaves cells empty; they count as black, the same way each time.
        return [.. sums.Select((sum, i) => counts[i] == 0 ? 0f : sum / 1000f / counts[i])];
    }
}

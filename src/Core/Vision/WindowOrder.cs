using Vlm.Model;

namespace Vlm.Vision;

/// <summary>The order in which the tower sees merged cells so that each attention window is one run of patches.</summary>
/// <param name="Index">[N / merge²] the reference's <c>window_index</c>: place i in window order holds this cell of reading order.</param>
/// <param name="Boundaries">[windows + 1] the reference's <c>cu_window_seqlens</c>: where each window begins and ends, counted in patches, from 0 to N.</param>
public sealed record WindowOrder(int[] Index, int[] Boundaries)
{
    /// <summary>Cuts one picture into windows from the top left; those at the right and bottom edge are smaller, never padded.</summary>
    /// <param name="grid">The picture's patches.</param>
    /// <param name="config">Window, patch and merge sizes.</param>
    public static WindowOrder For(PatchGrid grid, VisionConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int merge = config.SpatialMergeSize;
        int window = config.WindowSize / config.PatchSize / merge;
        int rows = grid.Rows / merge;
        int columns = grid.Columns / merge;
        var index = new List<int>(grid.MergedTokens(merge));
        var boundaries = new List<int> { 0 };
        for (int frame = 0; frame < grid.Frames; frame++)
        {
            for (int top = 0; top < rows; top += window)
            {
                for (int left = 0; left < columns; left += window)
                {
                    AddCells(index, (frame * rows + top, Math.Min(window, rows - top)), (left, Math.Min(window, columns - left)), columns);
                    boundaries.Add(index.Count * merge * merge);
                }
            }
        }
        return new WindowOrder([.. index], [.. boundaries]);
    }

    private static void AddCells(List<int> index, (int First, int Count) rows, (int First, int Count) across, int columns)
    {
        for (int row = rows.First; row < rows.First + rows.Count; row++)
        {
            for (int column = across.First; column < across.First + across.Count; column++)
                index.Add(row * columns + column);
        }
    }
}

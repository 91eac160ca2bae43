namespace Vlm.Vision;

/// <summary>Where each patch lies in its picture, in the order in which <see cref="Patches"/> lists them.</summary>
public static class PatchPositions
{
    /// <summary>Row and column of every patch: block row, block column, row in the block, column in the block.</summary>
    /// <param name="grid">The picture's patches; rows and columns are multiples of <paramref name="merge"/>.</param>
    /// <param name="merge">Side of a merged block in patches.</param>
    /// <returns>[N, 2] row, column; every frame of a film repeats them.</returns>
    /// <exception cref="ArgumentException">The grid does not divide into blocks.</exception>
    public static long[] For(PatchGrid grid, int merge)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(merge, 1);
        if (grid.Rows % merge != 0 || grid.Columns % merge != 0)
            throw new ArgumentException($"A grid of {grid.Rows}x{grid.Columns} patches does not divide into blocks of {merge}x{merge}.", nameof(grid));
        var positions = new long[grid.Patches * 2];
        int block = merge * merge;
        int blocksAcross = grid.Columns / merge;
        for (int patch = 0; patch < grid.Patches; patch++)
        {
            int inFrame = patch % (grid.Rows * grid.Columns);
            int blockIndex = inFrame / block;
            int inBlock = inFrame % block;
            positions[patch * 2] = blockIndex / blocksAcross * merge + inBlock / merge;
            positions[patch * 2 + 1] = blockIndex % blocksAcross * merge + inBlock % merge;
        }
        return positions;
    }
}

namespace Vlm.Vision;

/// <summary>How many patches a picture was cut into: the model's <c>grid_thw</c>.</summary>
/// <param name="Frames">Temporal patches; 1 for a still picture.</param>
/// <param name="Rows">Patches from top to bottom.</param>
/// <param name="Columns">Patches from left to right.</param>
public readonly record struct PatchGrid(int Frames, int Rows, int Columns)
{
    /// <summary>Patches in all: what the vision tower sees.</summary>
    public int Patches => Frames * Rows * Columns;

    /// <summary>Tokens after merging blocks of <paramref name="merge"/> x <paramref name="merge"/> patches: what the text decoder sees.</summary>
    public int MergedTokens(int merge) => Frames * (Rows / merge) * (Columns / merge);
}

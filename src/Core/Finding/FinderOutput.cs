namespace Vlm.Finding;

/// <summary>What a detector says of a frame.</summary>
/// <param name="Corners">[4 · 2] x and y in shares of the finder's sides, clockwise from the top left.</param>
/// <param name="Peaks">[4] the highest share of a corner's heatmap: near 0 where it could be anywhere.</param>
/// <param name="Seen">[5] probabilities: a decoder sheet is there; each corner can be seen.</param>
public sealed record FinderOutput(float[] Corners, float[] Peaks, float[] Seen);

/// <summary>The files of a sheet finder's package.</summary>
public static class SheetFinderPackage
{
    /// <summary>The graph.</summary>
    public const string Graph = "finder.onnx";
}

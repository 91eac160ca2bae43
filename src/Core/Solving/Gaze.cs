using Vlm.Vision;

namespace Vlm.Solving;

/// <summary>Where the letters of a picture are, from where the model looked for them. Pure.</summary>
internal static class Gaze
{
    // Spread wider than this, a look is no place.
    private const float Clear = 0.3f;

    /// <summary>The middles of the outermost blocks of patches that the model clearly looked at; null when there are none.</summary>
    /// <param name="looks">[looks][rows x columns] weights, sum 1.</param>
    /// <param name="rows">Merged blocks from top to bottom.</param>
    /// <param name="columns">Merged blocks from left to right.</param>
    public static PictureArea? Over(IReadOnlyList<float[]> looks, int rows, int columns)
    {
        int[] blocks = [.. looks.Where(weights => weights.Max() >= Clear).Select(weights => Array.IndexOf(weights, weights.Max()))];
        if (blocks.Length == 0) return null;
        double[] x = [.. blocks.Select(block => ((block % columns) + 0.5) / columns)];
        double[] y = [.. blocks.Select(block => ((block / columns) + 0.5) / rows)];
        return new PictureArea(x.Min(), y.Min(), x.Max(), y.Max());
    }
}

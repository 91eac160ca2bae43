using Vlm.Engine.Ort;
using Vlm.Package;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Engine;

/// <summary>One picture as the decoder sees it: the vision graph's output, computed once and used by any number of prompts.</summary>
public sealed class ImageFeatures : IDisposable
{
    internal ImageFeatures(NativeTensor tensor, PatchGrid grid) => (Tensor, Grid) = (tensor, grid);

    /// <summary>How many placeholder tokens it replaces.</summary>
    public int Tokens => (int)Tensor.Shape[0];

    /// <summary>The patches it came from.</summary>
    public PatchGrid Grid { get; }

    /// <summary>[Tokens, H] in the graph's float type.</summary>
    internal NativeTensor Tensor { get; }

    /// <summary>Frees the native memory. Prompts that hold the picture cannot be used any more.</summary>
    public void Dispose() => Tensor.Dispose();
}

/// <summary>A question, ready for the decoder.</summary>
/// <param name="Ids">[T] tokens, with one placeholder per merged patch of each picture.</param>
/// <param name="Positions">[3, T] rotary positions of the same tokens.</param>
/// <param name="Pictures">The pictures, in the order of their placeholders.</param>
public sealed record Prompt(int[] Ids, RopePositions Positions, IReadOnlyList<ImageFeatures> Pictures)
{
    /// <summary>A prompt with the positions that follow from its tokens and pictures.</summary>
    /// <exception cref="ArgumentException">The placeholders are not those of the pictures.</exception>
    public static Prompt For(int[] ids, IReadOnlyList<ImageFeatures> pictures, PackageConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new Prompt(ids, RopePositions.For(ids, [.. pictures.Select(picture => picture.Grid)], config.Tokens), pictures);
    }
}

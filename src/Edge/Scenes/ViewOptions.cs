using Vlm.Vision;

namespace Vlm.Edge.Scenes;

/// <summary>What is left of a camera's picture before anything else gets it: turned, then cut, then covered.</summary>
internal sealed record ViewOptions
{
    /// <summary>Degrees clockwise: 0 (the default), 90, 180 or 270.</summary>
    public int Rotate { get; init; }

    /// <summary>The part that is kept of the turned picture; null (the default) for all of it.</summary>
    public Region? Crop { get; init; }

    /// <summary>Parts of what is kept that are painted black, so that nothing of them is looked at, stored, shown or sent. None by default.</summary>
    public IReadOnlyList<Region> Masks { get; init; } = [];

    /// <summary>Whether the picture stays as it is.</summary>
    public bool IsWhole => Rotate == 0 && Crop is null && Masks.Count == 0;

    /// <summary>The picture that everything else gets. At any scale of the camera's picture it shows the same.</summary>
    public RgbImage Apply(RgbImage picture)
    {
        var turned = picture.Turned(Rotate / 90);
        return Region.Cover(Crop?.Of(turned) ?? turned, Masks);
    }

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (Rotate is not (0 or 90 or 180 or 270)) yield return $"rotate: expected 0, 90, 180 or 270 degrees, found {Rotate}";
        foreach (var problem in Region.Problems(Crop, Masks)) yield return problem;
    }
}

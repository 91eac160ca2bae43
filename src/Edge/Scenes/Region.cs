using Vlm.Vision;

namespace Vlm.Edge.Scenes;

/// <summary>A part of a picture, as shares of its width and height from the top left.</summary>
internal sealed record Region
{
    public double Left { get; init; }

    public double Top { get; init; }

    public double Width { get; init; } = 1;

    public double Height { get; init; } = 1;

    /// <summary>Whether it lies inside the picture and is not empty.</summary>
    public bool IsValid => Left >= 0 && Top >= 0 && Width > 0 && Height > 0 && Left + Width <= 1 + 1e-9 && Top + Height <= 1 + 1e-9;

    /// <summary>This part of a picture, whole pixels, rounded outwards.</summary>
    public RgbImage Of(RgbImage picture)
    {
        var (left, top, width, height) = Pixels(picture);
        var pixels = new byte[width * height * 3];
        for (var row = 0; row < height; row++)
            picture.Pixels.AsSpan((((top + row) * picture.Width) + left) * 3, width * 3).CopyTo(pixels.AsSpan(row * width * 3));
        return new RgbImage(width, height, pixels);
    }

    /// <summary>A picture with parts painted black.</summary>
    public static RgbImage Cover(RgbImage picture, IReadOnlyList<Region> parts)
    {
        if (parts.Count == 0) return picture;
        var pixels = picture.Pixels.ToArray();
        foreach (var part in parts)
        {
            var (left, top, width, height) = part.Pixels(picture);
            for (var row = top; row < top + height; row++) pixels.AsSpan(((row * picture.Width) + left) * 3, width * 3).Clear();
        }
        return new RgbImage(picture.Width, picture.Height, pixels);
    }

    /// <summary>Whatever is wrong with a part that is kept and with parts that are covered, in words.</summary>
    public static IEnumerable<string> Problems(Region? crop, IReadOnlyList<Region> masks)
    {
        if (crop is { IsValid: false }) yield return $"crop: expected a part inside the picture, in shares from 0 to 1, found {crop}";
        foreach (var mask in masks.Where(mask => !mask.IsValid))
            yield return $"masks: expected parts inside the picture, in shares from 0 to 1, found {mask}";
    }

    /// <summary>Whole pixels, rounded outwards: a mask never leaves a seam.</summary>
    private (int Left, int Top, int Width, int Height) Pixels(RgbImage picture)
    {
        var left = Math.Clamp((int)Math.Floor(Left * picture.Width), 0, picture.Width - 1);
        var top = Math.Clamp((int)Math.Floor(Top * picture.Height), 0, picture.Height - 1);
        var right = Math.Clamp((int)Math.Ceiling((Left + Width) * picture.Width), left + 1, picture.Width);
        var bottom = Math.Clamp((int)Math.Ceiling((Top + Height) * picture.Height), top + 1, picture.Height);
        return (left, top, right - left, bottom - top);
    }
}

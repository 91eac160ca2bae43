namespace Vlm.Vision;

/// <summary>A part of a picture, in shares of its sides: 0 is left or top, 1 right or bottom.</summary>
public readonly record struct PictureArea(double Left, double Top, double Right, double Bottom)
{
    /// <summary>The area with so much of the picture's sides around it, as far as there is picture.</summary>
    public PictureArea Grown(double share) =>
        new(Math.Max(0, Left - share), Math.Max(0, Top - share), Math.Min(1, Right + share), Math.Min(1, Bottom + share));

    /// <summary>This part of a picture, whole pixels, at least one.</summary>
    public RgbImage Of(RgbImage picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        var (x, y) = (Math.Min((int)(Left * picture.Width), picture.Width - 1), Math.Min((int)(Top * picture.Height), picture.Height - 1));
        var right = Math.Clamp((int)Math.Ceiling(Right * picture.Width), x + 1, picture.Width);
        var bottom = Math.Clamp((int)Math.Ceiling(Bottom * picture.Height), y + 1, picture.Height);
        var (width, height) = (right - x, bottom - y);
        var pixels = new byte[width * height * 3];
        for (var row = 0; row < height; row++)
            picture.Pixels.AsSpan((((y + row) * picture.Width) + x) * 3, width * 3).CopyTo(pixels.AsSpan(row * width * 3));
        return new RgbImage(width, height, pixels);
    }
}

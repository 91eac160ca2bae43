using Vlm.Edge.Scenes;
using Vlm.Hosting;
using Vlm.Vision;

namespace Vlm.Edge.Escalations;

/// <summary>What leaves the box of a picture: no more than the larger model needs.</summary>
internal sealed record PictureRules
{
    /// <summary>The part that is sent; null for the whole picture.</summary>
    public Region? Crop { get; init; }

    /// <summary>Parts painted black first, given in the whole picture.</summary>
    public IReadOnlyList<Region> Masks { get; init; } = [];

    /// <summary>Longest side that is sent, in pixels; 56 to 8,192; 1,024 by default.</summary>
    public int MaxSide { get; init; } = 1024;

    /// <summary>Largest file that is sent, in bytes; 1,024 to 48 MiB; 700,000 by default: a third more as base64 is below the 1 MiB of many gateways.</summary>
    public int MaxBytes { get; init; } = 700_000;

    /// <summary>Pixels of the whole picture with which what is sent still comes from at least twice as many in each direction.</summary>
    public int EnoughPixels
    {
        get
        {
            var (width, height) = (Crop?.Width ?? 1, Crop?.Height ?? 1);
            return (int)Math.Clamp(4.0 * MaxSide * MaxSide / (width * height), ImageCodec.EnoughPixels, int.MaxValue);
        }
    }

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        foreach (var problem in Region.Problems(Crop, Masks)) yield return problem;
        foreach (var problem in Check.Ranges(("max_side", MaxSide, 56, 8192), ("max_bytes", MaxBytes, 1024, 48 << 20))) yield return problem;
    }

    /// <summary>
    /// The file to send: masked, cropped, at most <see cref="MaxSide"/>, and below <see cref="MaxBytes"/> as PNG, else as JPEG of falling quality, else
    /// smaller. Re-encoded always, so that what a camera writes into its files (place, serial number) stays here.
    /// </summary>
    /// <exception cref="PictureException">Even at the smallest size it is above the limit.</exception>
    public byte[] Apply(RgbImage picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        var masked = Region.Cover(picture, Masks);
        var image = Shrunk(Crop?.Of(masked) ?? masked, MaxSide);
        while (true)
        {
            if (Smallest(image) is { } file) return file;
            var side = Math.Max(image.Width, image.Height) * 3 / 4;
            if (side < 56)
                throw new PictureException($"The picture stays above {MaxBytes} bytes even at {image.Width}x{image.Height} pixels. Raise picture max_bytes.");
            image = Shrunk(image, side);
        }
    }

    private byte[]? Smallest(RgbImage image)
    {
        if (ImageCodec.EncodePng(image) is { } png && png.Length <= MaxBytes) return png;
        foreach (var quality in (int[])[92, 85, 75])
        {
            var jpeg = ImageCodec.EncodeJpeg(image, quality);
            if (jpeg.Length <= MaxBytes) return jpeg;
        }

        return null;
    }

    private static RgbImage Shrunk(RgbImage image, int side)
    {
        var longest = Math.Max(image.Width, image.Height);
        if (longest <= side) return image;
        int Scaled(int length) => Math.Max(1, (int)Math.Round((double)length * side / longest));
        return Resize.Bicubic(image, Scaled(image.Width), Scaled(image.Height));
    }
}

namespace Vlm.Vision;

/// <summary>A picture: 8-bit red, green, blue, row by row from the top left.</summary>
public sealed class RgbImage
{
    /// <summary>Wraps <paramref name="pixels"/> without copying; the caller must not change them afterwards.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="pixels">[height, width, 3] bytes.</param>
    /// <exception cref="ArgumentException">The number of bytes is not height x width x 3.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.LongLength != (long)width * height * 3)
            throw new ArgumentException($"A picture of {width}x{height} has {(long)width * height * 3} bytes; {pixels.LongLength} were given.", nameof(pixels));
        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>[Height, Width, 3] bytes: red, green, blue.</summary>
    public byte[] Pixels { get; }
}

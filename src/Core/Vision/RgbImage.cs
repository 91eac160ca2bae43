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

    /// <summary>The picture turned clockwise by quarters.</summary>
    /// <param name="quarters">0 to 3.</param>
    public RgbImage Turned(int quarters)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quarters);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quarters, 3);
        if (quarters == 0) return this;
        var (width, height) = quarters == 2 ? (Width, Height) : (Height, Width);
        var pixels = new byte[Pixels.Length];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (column, row) = quarters switch
                {
                    1 => (y, Height - 1 - x),
                    2 => (Width - 1 - x, Height - 1 - y),
                    _ => (Width - 1 - y, x),
                };
                Pixels.AsSpan(((row * Width) + column) * 3, 3).CopyTo(pixels.AsSpan(((y * width) + x) * 3, 3));
            }
        }

        return new RgbImage(width, height, pixels);
    }

    /// <summary>The colour between pixels, bilinear; outside the picture that of the nearest pixel.</summary>
    /// <param name="x">0 is the middle of the first column.</param>
    /// <param name="y">0 is the middle of the first row.</param>
    /// <param name="pixel">[3] where it goes.</param>
    internal void Sample(double x, double y, Span<byte> pixel)
    {
        (x, y) = (Math.Clamp(x, 0, Width - 1), Math.Clamp(y, 0, Height - 1));
        var (column, row) = ((int)x, (int)y);
        var (right, low) = (x - column, y - row);
        var at = ((row * Width) + column) * 3;
        var next = column + 1 < Width ? 3 : 0;
        var under = row + 1 < Height ? Width * 3 : 0;
        for (var c = 0; c < 3; c++)
        {
            var top = Pixels[at + c] + (right * (Pixels[at + next + c] - Pixels[at + c]));
            var bottom = Pixels[at + under + c] + (right * (Pixels[at + under + next + c] - Pixels[at + under + c]));
            pixel[c] = (byte)Math.Round(top + (low * (bottom - top)));
        }
    }
}

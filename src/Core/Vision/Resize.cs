using System.Numerics;
using System.Runtime.InteropServices;

namespace Vlm.Vision;

/// <summary>Resizing as the reference's image processor does it, to the bit.</summary>
public static class Resize
{
    // Pillow's fixed point: a weight is a whole number of 2^-22, so 255 times the sum of the weights fits in 32 bits.
    private const int PrecisionBits = 22;

    /// <summary>The size a picture is resized to: multiples of the merged block, within the pixel budget, close to the same aspect ratio.</summary>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="config">Block side and pixel budget.</param>
    /// <exception cref="PictureException">One side is more than 200 times the other.</exception>
    /// <remarks>Halves are rounded to even, as the reference does: a side of 70 becomes 56, not 84.</remarks>
    public static (int Height, int Width) Smart(int height, int width, PictureConfig config)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentNullException.ThrowIfNull(config);
        if (Math.Max(height, width) > 200.0 * Math.Min(height, width))
            throw new PictureException($"The picture is {width}x{height}: one side may be at most 200 times the other. Crop it.");
        double factor = config.Factor;
        double pixels = (double)height * width;
        double newHeight = Math.Round(height / factor, MidpointRounding.ToEven) * factor;
        double newWidth = Math.Round(width / factor, MidpointRounding.ToEven) * factor;
        if (newHeight * newWidth > config.MaxPixels)
        {
            double beta = Math.Sqrt(pixels / config.MaxPixels);
            newHeight = Math.Max(factor, Math.Floor(height / beta / factor) * factor);
            newWidth = Math.Max(factor, Math.Floor(width / beta / factor) * factor);
        }
        else if (newHeight * newWidth < config.MinPixels)
        {
            double beta = Math.Sqrt(config.MinPixels / pixels);
            newHeight = Math.Ceiling(height * beta / factor) * factor;
            newWidth = Math.Ceiling(width * beta / factor) * factor;
        }
        return ((int)newHeight, (int)newWidth);
    }

    /// <summary>Antialiased bicubic (a = -0.5): across first, rounded to bytes, then down; the filter widens when shrinking.</summary>
    /// <param name="image">The picture; returned as it is when it already has the size.</param>
    /// <param name="width">New columns, at least 1.</param>
    /// <param name="height">New rows, at least 1.</param>
    /// <remarks>Pillow up to 12: version 13 swaps the two passes for some shapes.</remarks>
    public static RgbImage Bicubic(RgbImage image, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        byte[] pixels = image.Pixels;
        if (width != image.Width)
            pixels = Across(pixels, image.Width, image.Height, width);
        if (height != image.Height)
            pixels = Down(pixels, width * 3, image.Height, height);
        return ReferenceEquals(pixels, image.Pixels) ? image : new RgbImage(width, height, pixels);
    }

    private static byte[] Across(byte[] source, int width, int height, int newWidth)
    {
        Taps taps = Taps.For(width, newWidth);
        var result = new byte[checked(height * newWidth * 3)];
        for (int row = 0; row < height; row++)
        {
            ReadOnlySpan<byte> line = source.AsSpan(row * width * 3, width * 3);
            Span<byte> target = result.AsSpan(row * newWidth * 3, newWidth * 3);
            for (int column = 0; column < newWidth; column++)
            {
                ReadOnlySpan<int> weights = taps.Weights(column);
                ReadOnlySpan<byte> window = line.Slice(taps.First[column] * 3, weights.Length * 3);
                int red = 1 << (PrecisionBits - 1), green = red, blue = red;
                for (int tap = 0, at = 0; tap < weights.Length; tap++, at += 3)
                {
                    int weight = weights[tap];
                    red += window[at] * weight;
                    green += window[at + 1] * weight;
                    blue += window[at + 2] * weight;
                }
                target[column * 3] = ToByte(red);
                target[column * 3 + 1] = ToByte(green);
                target[column * 3 + 2] = ToByte(blue);
            }
        }
        return result;
    }

    private static byte[] Down(byte[] source, int stride, int height, int newHeight)
    {
        Taps taps = Taps.For(height, newHeight);
        var result = new byte[checked(stride * newHeight)];
        var sums = new int[stride];
        for (int row = 0; row < newHeight; row++)
        {
            Array.Fill(sums, 1 << (PrecisionBits - 1));
            ReadOnlySpan<int> weights = taps.Weights(row);
            for (int tap = 0; tap < weights.Length; tap++)
                AddScaled(sums, source.AsSpan((taps.First[row] + tap) * stride, stride), weights[tap]);
            Span<byte> target = result.AsSpan(row * stride, stride);
            for (int i = 0; i < target.Length; i++)
                target[i] = ToByte(sums[i]);
        }
        return result;
    }

    private static void AddScaled(Span<int> sums, ReadOnlySpan<byte> line, int weight)
    {
        int done = line.Length - line.Length % Vector<byte>.Count;
        ReadOnlySpan<Vector<byte>> bytes = MemoryMarshal.Cast<byte, Vector<byte>>(line[..done]);
        Span<Vector<int>> totals = MemoryMarshal.Cast<int, Vector<int>>(sums[..done]);
        for (int i = 0; i < bytes.Length; i++)
        {
            Vector.Widen(bytes[i], out Vector<ushort> low, out Vector<ushort> high);
            Vector.Widen(low, out Vector<uint> first, out Vector<uint> second);
            Vector.Widen(high, out Vector<uint> third, out Vector<uint> fourth);
            Span<Vector<int>> four = totals.Slice(i * 4, 4);
            four[0] += Vector.AsVectorInt32(first) * weight;
            four[1] += Vector.AsVectorInt32(second) * weight;
            four[2] += Vector.AsVectorInt32(third) * weight;
            four[3] += Vector.AsVectorInt32(fourth) * weight;
        }
        for (int i = done; i < line.Length; i++)
            sums[i] += line[i] * weight;
    }

    private static byte ToByte(int sum) => (byte)Math.Clamp(sum >> PrecisionBits, 0, 255);

    /// <summary>For every place on the new axis: the first old place it draws from, and the weights from there on.</summary>
    private sealed class Taps(int[] first, int[] start, int[] all)
    {
        public int[] First { get; } = first;

        public ReadOnlySpan<int> Weights(int place) => all.AsSpan(start[place], start[place + 1] - start[place]);

        public static Taps For(int length, int newLength)
        {
            double scale = (double)length / newLength;
            double widening = Math.Max(scale, 1);
            double reach = 2 * widening;
            var first = new int[newLength];
            var start = new int[newLength + 1];
            var all = new List<int>(newLength * ((int)(reach * 2) + 2));
            var weights = new double[(int)Math.Ceiling(reach) * 2 + 1];
            for (int place = 0; place < newLength; place++)
            {
                double centre = (place + 0.5) * scale;
                int from = Math.Max((int)(centre - reach + 0.5), 0);
                int to = Math.Min((int)(centre + reach + 0.5), length);
                double sum = 0;
                for (int i = from; i < to; i++)
                    sum += weights[i - from] = Cubic((i - centre + 0.5) * (1 / widening));
                for (int i = 0; i < to - from; i++)
                    all.Add(Fixed(sum == 0 ? weights[i] : weights[i] * (1 / sum)));
                first[place] = from;
                start[place + 1] = all.Count;
            }
            return new Taps(first, start, [.. all]);
        }

        private static double Cubic(double x)
        {
            const double a = -0.5;
            x = Math.Abs(x);
            return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1
                : x < 2 ? (((x - 5) * x + 8) * x - 4) * a
                : 0;
        }

        private static int Fixed(double weight) => (int)(weight * (1 << PrecisionBits) + (weight < 0 ? -0.5 : 0.5));
    }
}

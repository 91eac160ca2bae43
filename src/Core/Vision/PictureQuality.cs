namespace Vlm.Vision;

/// <summary>How readable a picture is at the size at which the model sees it, by three cheap measures.</summary>
/// <param name="Sharpness">Variance of the Laplacian of the grey levels 0 to 255: falls with blur, rises with noise (Pech-Pacheco et al., ICPR 2000).</param>
/// <param name="Contrast">Grey levels between the darkest and the lightest twentieth of the pixels, 0 to 1.</param>
/// <param name="GlyphSize">Median height in pixels of the connected dark shapes that could be letters; 0 when there are none.</param>
public sealed record PictureQuality(double Sharpness, double Contrast, double GlyphSize)
{
    // Letters are at least this high to be told from specks, and at most this share of the picture.
    private const int LeastGlyph = 4;
    private const double LargestGlyph = 0.2;

    // Local threshold: darker than the mean of the surrounding square by this many levels (Bradley and Roth, 2007, with a fixed distance).
    private const int Surround = 12;
    private const int Darker = 12;

    /// <summary>The quality of a picture after resizing.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="width">Columns that the model sees, at least 1.</param>
    /// <param name="height">Rows that the model sees, at least 1.</param>
    public static PictureQuality Of(RgbImage image, int width, int height)
    {
        var grey = Grey(Resize.Bicubic(image, width, height));
        return new PictureQuality(LaplacianVariance(grey, width, height), Spread(grey), MedianGlyph(grey, width, height));
    }

    private static byte[] Grey(RgbImage image)
    {
        var grey = new byte[image.Width * image.Height];
        for (int i = 0, at = 0; i < grey.Length; i++, at += 3)
            grey[i] = (byte)((299 * image.Pixels[at] + 587 * image.Pixels[at + 1] + 114 * image.Pixels[at + 2] + 500) / 1000);
        return grey;
    }

    private static double LaplacianVariance(byte[] grey, int width, int height)
    {
        long count = 0, sum = 0, squares = 0;
        for (var y = 1; y < height - 1; y++)
        {
            for (int x = 1, i = y * width + 1; x < width - 1; x++, i++)
            {
                var value = grey[i - 1] + grey[i + 1] + grey[i - width] + grey[i + width] - 4 * grey[i];
                count++;
                sum += value;
                squares += value * value;
            }
        }

        return count == 0 ? 0 : squares / (double)count - Math.Pow(sum / (double)count, 2);
    }

    private static double Spread(byte[] grey)
    {
        var histogram = new int[256];
        foreach (var level in grey) histogram[level]++;
        int Level(int rank)
        {
            var level = 0;
            for (var below = histogram[0]; below <= rank; below += histogram[++level]) { }
            return level;
        }

        var twentieth = grey.Length / 20;
        return (Level(grey.Length - 1 - twentieth) - Level(twentieth)) / 255.0;
    }

    private static double MedianGlyph(byte[] grey, int width, int height)
    {
        var isInk = Ink(grey, width, height);
        var heights = new List<int>();
        var pending = new Stack<int>();
        for (var start = 0; start < isInk.Length; start++)
        {
            if (!isInk[start]) continue;
            var (shapeWidth, shapeHeight) = Erase(isInk, start, width, pending);
            var largest = LargestGlyph * Math.Max(width, height);
            if (shapeHeight >= LeastGlyph && shapeHeight <= largest && shapeWidth <= largest && shapeWidth <= 3 * shapeHeight) heights.Add(shapeHeight);
        }

        if (heights.Count == 0) return 0;
        heights.Sort();
        return heights[heights.Count / 2];
    }

    private static bool[] Ink(byte[] grey, int width, int height)
    {
        // [height + 1, width + 1] sums of all pixels above and to the left.
        var sums = new long[(height + 1) * (width + 1)];
        for (var y = 0; y < height; y++)
        {
            long row = 0;
            for (var x = 0; x < width; x++)
            {
                row += grey[y * width + x];
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
            }
        }

        var isInk = new bool[grey.Length];
        for (var y = 0; y < height; y++)
        {
            var (top, bottom) = (Math.Max(0, y - Surround) * (width + 1), Math.Min(height, y + Surround + 1) * (width + 1));
            for (var x = 0; x < width; x++)
            {
                var (left, right) = (Math.Max(0, x - Surround), Math.Min(width, x + Surround + 1));
                var pixels = (long)(right - left) * (bottom - top) / (width + 1);
                var sum = sums[bottom + right] - sums[bottom + left] - sums[top + right] + sums[top + left];
                isInk[y * width + x] = (grey[y * width + x] + Darker) * pixels < sum;
            }
        }

        return isInk;
    }

    /// <summary>Takes one four-connected shape away; returns its width and height. Every pixel is pushed at most once.</summary>
    private static (int Width, int Height) Erase(bool[] isInk, int start, int width, Stack<int> pending)
    {
        var (left, right, top, bottom) = (int.MaxValue, 0, int.MaxValue, 0);
        isInk[start] = false;
        pending.Push(start);
        while (pending.TryPop(out var at))
        {
            var (x, y) = (at % width, at / width);
            (left, right, top, bottom) = (Math.Min(left, x), Math.Max(right, x), Math.Min(top, y), Math.Max(bottom, y));
            if (x > 0) Visit(at - 1);
            if (x + 1 < width) Visit(at + 1);
            Visit(at - width);
            Visit(at + width);
        }

        return (right - left + 1, bottom - top + 1);

        void Visit(int neighbour)
        {
            if (neighbour < 0 || neighbour >= isInk.Length || !isInk[neighbour]) return;
            isInk[neighbour] = false;
            pending.Push(neighbour);
        }
    }
}

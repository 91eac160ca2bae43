using Vlm.Vision;

namespace Vlm.Finding;

/// <summary>
/// A frame as the sheet finder sees it: grey, 192x144, the whole frame in the middle and grey around it where its shape is another. Values −1 (black) to 1.
/// </summary>
/// <param name="Values">[144 x 192] row by row.</param>
/// <param name="Scale">Finder pixels per frame pixel.</param>
/// <param name="Left">Finder pixels left of the frame.</param>
/// <param name="Top">Finder pixels above the frame.</param>
public sealed record FinderInput(float[] Values, float Scale, float Left, float Top)
{
    /// <summary>Columns.</summary>
    public const int Width = 192;

    /// <summary>Rows.</summary>
    public const int Height = 144;

    /// <summary>Columns of a corner's heatmap.</summary>
    public const int MapWidth = Width / 4;

    /// <summary>Rows of a corner's heatmap.</summary>
    public const int MapHeight = Height / 4;

    /// <summary>[36 · 48 · 2] the middles of the heatmap's cells, x and y in shares of the sides.</summary>
    public static float[] MapPlaces()
    {
        var places = new float[MapWidth * MapHeight * 2];
        for (var i = 0; i < MapWidth * MapHeight; i++)
            (places[2 * i], places[(2 * i) + 1]) = (((i % MapWidth) + 0.5f) / MapWidth, ((i / MapWidth) + 0.5f) / MapHeight);
        return places;
    }

    /// <summary>Shrinks a frame by averaging areas; a small one is enlarged by repeating pixels.</summary>
    public static FinderInput Of(RgbImage frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        var scale = Math.Min(Width / (float)frame.Width, Height / (float)frame.Height);
        var (across, down) = (Math.Max(1, (int)MathF.Round(frame.Width * scale)), Math.Max(1, (int)MathF.Round(frame.Height * scale)));
        var (left, top) = ((Width - across) / 2, (Height - down) / 2);
        var values = new float[Width * Height];
        for (var row = 0; row < down; row++)
        {
            var (above, below) = Pixels(row, down, frame.Height);
            for (var column = 0; column < across; column++)
            {
                var (first, last) = Pixels(column, across, frame.Width);
                values[((top + row) * Width) + left + column] = (Mean(frame, first, last, above, below) / 127.5f) - 1;
            }
        }

        return new FinderInput(values, across / (float)frame.Width, left, top);
    }

    /// <summary>From a point of the frame, in pixels, to shares of the finder's sides.</summary>
    public (float X, float Y) ToShares((float X, float Y) point) => (((point.X * Scale) + Left) / Width, ((point.Y * Scale) + Top) / Height);

    /// <summary>From shares of the finder's sides to a point of the frame, in pixels.</summary>
    public (double X, double Y) ToFrame(float x, float y) => (((x * Width) - Left) / Scale, ((y * Height) - Top) / Scale);

    /// <summary>The pixels of a side that a cell of the finder covers: from the first to before the last.</summary>
    private static (int First, int End) Pixels(int cell, int cells, int side)
    {
        var first = (int)((long)cell * side / cells);
        return (first, Math.Max(first + 1, (int)((long)(cell + 1) * side / cells)));
    }

    /// <summary>The mean brightness, ITU-R BT.601: at most four by four pixels of a large area are taken.</summary>
    private static float Mean(RgbImage frame, int left, int right, int top, int bottom)
    {
        var (stepX, stepY) = (Math.Max(1, (right - left) / 4), Math.Max(1, (bottom - top) / 4));
        var (sum, count) = (0, 0);
        for (var y = top; y < bottom; y += stepY)
        {
            for (var x = left; x < right; x += stepX, count++)
            {
                var at = ((y * frame.Width) + x) * 3;
                sum += (299 * frame.Pixels[at]) + (587 * frame.Pixels[at + 1]) + (114 * frame.Pixels[at + 2]);
            }
        }

        return sum / (1000f * count);
    }
}

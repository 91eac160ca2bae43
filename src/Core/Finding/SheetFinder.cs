using Vlm.Vision;

namespace Vlm.Finding;

/// <summary>A sheet that was found in a frame.</summary>
/// <param name="Corners">In pixels of the frame, clockwise from the top left.</param>
/// <param name="Presence">Probability that a decoder sheet is there, 0 to 1.</param>
/// <param name="Shift">How far a second look at the rectified sheet moved a corner, in shares of its diagonal: small when both looks agree.</param>
public sealed record FoundSheet(Quad Corners, double Presence, double Shift)
{
    /// <summary>The shorter of the mean sides in pixels of the frame: what the letters have to live on.</summary>
    public double Pixels => Math.Min(Corners.Sides.Across, Corners.Sides.Down);
}

/// <summary>Why no sheet is given.</summary>
public enum NotFound
{
    /// <summary>The detector sees none.</summary>
    Absent,

    /// <summary>Its corners make no sheet.</summary>
    NoSheet,

    /// <summary>A second look at what was cut out does not agree.</summary>
    Unsteady,

    /// <summary>One is there, and fills more of the frame than was asked for; its corners were not looked at closely.</summary>
    TooLarge,
}

/// <summary>Looks for a decoder sheet, finds its corners to a pixel, and checks itself on what it cut out. Pure but for the detector.</summary>
/// <param name="look">The detector.</param>
public sealed class SheetFinder(Func<FinderInput, FinderOutput> look)
{
    // The detector is off by this share of the sheet's diagonal at most, mostly.
    private const double Reach = 0.04;

    /// <summary>Least probability of presence.</summary>
    private const double Present = 0.5;

    /// <summary>Least share of the frame that a sheet fills.</summary>
    private const double SmallestShare = 0.005;

    /// <summary>Greatest movement of a corner in the second look, in shares of the diagonal.</summary>
    private const double Steady = 0.06;

    /// <summary>Looks at a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="largest">Share of the frame above which a sheet is not worth a closer look, above 0.</param>
    /// <returns>The sheet, or why there is none.</returns>
    public (FoundSheet? Sheet, NotFound? Why) Find(RgbImage frame, double largest = double.PositiveInfinity)
    {
        ArgumentNullException.ThrowIfNull(frame);
        var (said, rough) = Look(frame);
        if (said.Seen[0] < Present) return (null, NotFound.Absent);
        if (!rough.IsSheet || rough.Area < SmallestShare * frame.Width * frame.Height) return (null, NotFound.NoSheet);
        if (rough.Area > largest * frame.Width * frame.Height) return (null, NotFound.TooLarge);
        // Corners of a small sheet are rough at first: where the look at what was cut out moves them, it is cut out once more as that look says.
        for (var attempt = 0; attempt < 2 && rough.IsSheet; attempt++)
        {
            var corners = EdgeRefinement.Refine(frame, rough, Math.Max(3, Reach * rough.Diagonal));
            if (!corners.IsSheet) corners = rough;
            var cut = Rectified.Of(frame, corners, Rectified.CheckMargin);
            var (again, second) = Look(cut.Picture);
            if (again.Seen[0] < Present) break;
            var shift = second.FurthestFrom(cut.Sheet) / cut.Sheet.Diagonal;
            if (shift <= Steady) return (new FoundSheet(corners, said.Seen[0], shift), null);
            rough = cut.ToFrame(second);
        }

        return (null, NotFound.Unsteady);
    }

    private (FinderOutput Said, Quad Corners) Look(RgbImage picture)
    {
        var input = FinderInput.Of(picture);
        var said = look(input);
        var corners = Enumerable.Range(0, 4).Select(i => input.ToFrame(said.Corners[2 * i], said.Corners[(2 * i) + 1])).ToArray();
        return (said, new Quad(corners[0], corners[1], corners[2], corners[3]));
    }
}

/// <summary>A sheet seen straight from the front.</summary>
/// <param name="Picture">The sheet with a margin of what is around it.</param>
/// <param name="Sheet">Where its corners are in the picture.</param>
public sealed record Rectified(RgbImage Picture, Quad Sheet)
{
    /// <summary>From the sheet's pixels, its top left corner at (0, 0), to the frame.</summary>
    private Homography _map;

    /// <summary>Around a sheet that is to be read.</summary>
    public const double ReadingMargin = 0.04;

    /// <summary>Around a sheet that is to be found once more: corners at the very edge cannot be.</summary>
    public const double CheckMargin = 0.2;

    private const int Longest = 1400;

    /// <summary>Takes a sheet out of a frame at its own size, at most 1,400 pixels a side.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="corners">The sheet's.</param>
    /// <param name="margin">Around it, in shares of its sides.</param>
    public static Rectified Of(RgbImage frame, Quad corners, double margin)
    {
        ArgumentNullException.ThrowIfNull(frame);
        var (across, down) = corners.Sides;
        var room = 1 + (2 * margin);
        var shrink = Math.Min(1, Longest / (room * Math.Max(across, down)));
        var (width, height) = (Math.Max(8, (int)(across * shrink)), Math.Max(8, (int)(down * shrink)));
        var (left, top) = (width * margin, height * margin);
        var map = Homography.FromRectangle(width, height, corners.Corners);
        var picture = Warp(frame, map, ((int)(width * room), (int)(height * room)), (left, top));
        return new Rectified(picture, new Quad((left, top), (left + width, top), (left + width, top + height), (left, top + height))) { _map = map };
    }

    /// <summary>Corners in pixels of <see cref="Picture"/> as pixels of the frame.</summary>
    public Quad ToFrame(Quad corners)
    {
        var mapped = corners.Corners.Select(corner => _map.Map(corner.X - Sheet.A.X, corner.Y - Sheet.A.Y)).ToArray();
        return new Quad(mapped[0], mapped[1], mapped[2], mapped[3]);
    }

    /// <summary>Bilinear; what lies outside the frame repeats its outermost pixels.</summary>
    private static RgbImage Warp(RgbImage frame, Homography map, (int Width, int Height) size, (double Left, double Top) origin)
    {
        var pixels = new byte[size.Width * size.Height * 3];
        for (var y = 0; y < size.Height; y++)
        {
            for (var x = 0; x < size.Width; x++)
            {
                var (u, v) = map.Map(x + 0.5 - origin.Left, y + 0.5 - origin.Top);
                frame.Sample(u - 0.5, v - 0.5, pixels.AsSpan(((y * size.Width) + x) * 3, 3));
            }
        }

        return new RgbImage(size.Width, size.Height, pixels);
    }
}

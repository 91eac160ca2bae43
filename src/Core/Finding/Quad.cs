namespace Vlm.Finding;

/// <summary>Four corners in pixels of a frame, clockwise.</summary>
/// <param name="A">The corner that is the top left one when the sheet hangs upright, up to quarter turns.</param>
/// <param name="B">The next.</param>
/// <param name="C">The one opposite of <paramref name="A"/>.</param>
/// <param name="D">The last.</param>
public readonly record struct Quad((double X, double Y) A, (double X, double Y) B, (double X, double Y) C, (double X, double Y) D)
{
    // Papers are not longer than this, and perspective does not change that much.
    private const double LongestAspect = 3.5;

    /// <summary>The corners in order.</summary>
    public (double X, double Y)[] Corners => [A, B, C, D];

    /// <summary>The corners in the order that starts at the top left of the picture: the first side points to the right, 45° up or down at most.</summary>
    public static Quad Upright(IReadOnlyList<(double X, double Y)> corners)
    {
        ArgumentNullException.ThrowIfNull(corners);
        var first = Enumerable.Range(0, 4).MaxBy(i =>
        {
            // Both sides that lead to the right count: the top one and the bottom one.
            var (a, b, c, d) = (corners[i], corners[(i + 1) % 4], corners[(i + 2) % 4], corners[(i + 3) % 4]);
            return (b.X - a.X + c.X - d.X) / (Distance(a, b) + Distance(c, d) + 1e-9);
        });
        return new Quad(corners[first], corners[(first + 1) % 4], corners[(first + 2) % 4], corners[(first + 3) % 4]);
    }

    /// <summary>The area in square pixels; positive for corners clockwise in a picture whose rows run downwards.</summary>
    public double Area
    {
        get
        {
            var corners = Corners;
            return Enumerable.Range(0, 4).Sum(i => (corners[i].X * corners[(i + 1) % 4].Y) - (corners[(i + 1) % 4].X * corners[i].Y)) / 2;
        }
    }

    /// <summary>Mean lengths of the sides that lead across and down, in pixels.</summary>
    public (double Across, double Down) Sides => ((Distance(A, B) + Distance(D, C)) / 2, (Distance(A, D) + Distance(B, C)) / 2);

    /// <summary>The longer diagonal in pixels.</summary>
    public double Diagonal => Math.Max(Distance(A, C), Distance(B, D));

    /// <summary>Degrees by which the sheet's top leans from the level, clockwise positive.</summary>
    public double Tilt => Math.Atan2(B.Y - A.Y + C.Y - D.Y, B.X - A.X + C.X - D.X) * 180 / Math.PI;

    /// <summary>Whether every corner turns the same way and no side is much longer than the other: a sheet seen by a camera.</summary>
    public bool IsSheet
    {
        get
        {
            var corners = Corners;
            var (across, down) = Sides;
            if (Math.Min(across, down) < 1 || Math.Max(across, down) > LongestAspect * Math.Min(across, down)) return false;
            return Enumerable.Range(0, 4).All(i => Cross(corners[i], corners[(i + 1) % 4], corners[(i + 2) % 4]) > 0);
        }
    }

    /// <summary>The greatest distance between corners of the same place, in pixels.</summary>
    public double FurthestFrom(Quad other) => Corners.Zip(other.Corners, Distance).Max();

    private static double Distance((double X, double Y) a, (double X, double Y) b) => Math.Sqrt(((a.X - b.X) * (a.X - b.X)) + ((a.Y - b.Y) * (a.Y - b.Y)));

    private static double Cross((double X, double Y) a, (double X, double Y) b, (double X, double Y) c) =>
        ((b.X - a.X) * (c.Y - b.Y)) - ((b.Y - a.Y) * (c.X - b.X));
}

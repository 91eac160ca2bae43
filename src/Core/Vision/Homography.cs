namespace Vlm.Vision;

/// <summary>
/// A projective map of the plane: (x, y) goes to ((A x + B y + C) / w, (D x + E y + F) / w) with w = G x + H y + I.
/// </summary>
internal readonly record struct Homography(double A, double B, double C, double D, double E, double F, double G, double H, double I)
{
    /// <summary>The map that takes the corners of a width x height rectangle (clockwise from the top left) to four points.</summary>
    public static Homography FromRectangle(double width, double height, ReadOnlySpan<(double X, double Y)> corners)
    {
        var ((x0, y0), (x1, y1), (x2, y2), (x3, y3)) = (corners[0], corners[1], corners[2], corners[3]);
        var (dx1, dy1, dx2, dy2) = (x1 - x2, y1 - y2, x3 - x2, y3 - y2);
        var (sx, sy) = (x0 - x1 + x2 - x3, y0 - y1 + y2 - y3);
        var determinant = (dx1 * dy2) - (dx2 * dy1);
        var g = ((sx * dy2) - (dx2 * sy)) / determinant;
        var h = ((dx1 * sy) - (sx * dy1)) / determinant;
        return new Homography(
            (x1 - x0 + (g * x1)) / width, (x3 - x0 + (h * x3)) / height, x0,
            (y1 - y0 + (g * y1)) / width, (y3 - y0 + (h * y3)) / height, y0,
            g / width, h / height, 1);
    }

    /// <summary>Where a point goes.</summary>
    public (float X, float Y) Map(double x, double y)
    {
        var w = (G * x) + (H * y) + I;
        return ((float)(((A * x) + (B * y) + C) / w), (float)(((D * x) + (E * y) + F) / w));
    }

    /// <summary>The map back (up to scale, which a projective map does not have).</summary>
    public Homography Inverse() => new(
        (E * I) - (F * H), (C * H) - (B * I), (B * F) - (C * E),
        (F * G) - (D * I), (A * I) - (C * G), (C * D) - (A * F),
        (D * H) - (E * G), (B * G) - (A * H), (A * E) - (B * D));
}

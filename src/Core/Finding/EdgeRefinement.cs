using Vlm.Vision;

namespace Vlm.Finding;

/// <summary>
/// Corners to a fraction of a pixel of the frame: along every side of the quadrilateral the steepest change of brightness is looked for on short normals, a
/// line is laid through these points, and the lines are cut with each other. Pure.
/// </summary>
public static class EdgeRefinement
{
    private const int Normals = 24;

    // Points further than this from the line, in multiples of the median distance, are other things.
    private const double Outlier = 2.5;

    // A side of which fewer points were found stays as it is.
    private const int Least = 8;

    // Steps of brightness smaller than this are noise.
    private const double Faint = 6;

    /// <summary>The corners after one pass.</summary>
    /// <param name="frame">The picture.</param>
    /// <param name="rough">Where they are, about.</param>
    /// <param name="reach">How far a side may be from there, in pixels.</param>
    public static Quad Refine(RgbImage frame, Quad rough, double reach)
    {
        ArgumentNullException.ThrowIfNull(frame);
        var corners = rough.Corners;
        var sides = new Line[4];
        for (var i = 0; i < 4; i++) sides[i] = Side(frame, corners[i], corners[(i + 1) % 4], reach);
        var refined = new (double X, double Y)[4];
        for (var i = 0; i < 4; i++)
        {
            var cut = sides[(i + 3) % 4].Cut(sides[i]);
            // Lines that are nearly the same have no corner.
            refined[i] = cut is { } found && Near(found, corners[i], 3 * reach) ? found : corners[i];
        }

        return new Quad(refined[0], refined[1], refined[2], refined[3]);
    }

    private static bool Near((double X, double Y) a, (double X, double Y) b, double reach) => Math.Abs(a.X - b.X) <= reach && Math.Abs(a.Y - b.Y) <= reach;

    private static Line Side(RgbImage frame, (double X, double Y) from, (double X, double Y) to, double reach)
    {
        var (dx, dy) = (to.X - from.X, to.Y - from.Y);
        var length = Math.Max(1e-9, Math.Sqrt((dx * dx) + (dy * dy)));
        // To the outside of a clockwise quadrilateral.
        var (nx, ny) = (dy / length, -dx / length);
        var points = new List<(double X, double Y)>(Normals);
        for (var i = 0; i < Normals; i++)
        {
            // Not at the corners, where the other side's edge begins.
            var along = 0.08 + (0.84 * (i + 0.5) / Normals);
            if (Steepest(frame, from.X + (along * dx), from.Y + (along * dy), (nx, ny), reach) is { } offset)
                points.Add((from.X + (along * dx) + (offset * nx), from.Y + (along * dy) + (offset * ny)));
        }

        return points.Count < Least ? Line.Through(from, to) : Line.Fit(points, Outlier) ?? Line.Through(from, to);
    }

    /// <summary>Where the brightness changes most along a normal, in pixels from its middle; the outermost of nearly equal ones: print stands inside.</summary>
    private static double? Steepest(RgbImage frame, double x, double y, (double X, double Y) normal, double reach)
    {
        var steps = Math.Max(4, (int)Math.Ceiling(reach));
        double? best = null;
        var most = Faint;
        for (var step = steps; step >= -steps; step--)
        {
            double Bright(double at) => Brightness(frame, x + (at * normal.X), y + (at * normal.Y));
            var change = Math.Abs(Bright(step + 1) - Bright(step - 1));
            if (change <= most * 1.15) continue;
            (most, best) = (change, step);
        }

        return best;
    }

    private static double Brightness(RgbImage frame, double x, double y)
    {
        var (column, row) = (Math.Clamp((int)Math.Round(x), 0, frame.Width - 1), Math.Clamp((int)Math.Round(y), 0, frame.Height - 1));
        var at = ((row * frame.Width) + column) * 3;
        return (0.299 * frame.Pixels[at]) + (0.587 * frame.Pixels[at + 1]) + (0.114 * frame.Pixels[at + 2]);
    }

    /// <summary>The points p with <paramref name="X"/> · p.X + <paramref name="Y"/> · p.Y = <paramref name="At"/>; (X, Y) has length 1.</summary>
    private readonly record struct Line(double X, double Y, double At)
    {
        public static Line Through((double X, double Y) a, (double X, double Y) b)
        {
            var (nx, ny) = (b.Y - a.Y, a.X - b.X);
            var length = Math.Max(1e-9, Math.Sqrt((nx * nx) + (ny * ny)));
            return new Line(nx / length, ny / length, ((nx * a.X) + (ny * a.Y)) / length);
        }

        /// <summary>Total least squares, once more without what lies far off.</summary>
        public static Line? Fit(List<(double X, double Y)> points, double outlier)
        {
            var line = Fit(points);
            var distances = points.Select(line.Distance).Order().ToList();
            var limit = Math.Max(1, outlier * distances[distances.Count / 2]);
            var kept = points.Where(point => line.Distance(point) <= limit).ToList();
            return kept.Count < Least ? null : Fit(kept);
        }

        public double Distance((double X, double Y) point) => Math.Abs((X * point.X) + (Y * point.Y) - At);

        public (double X, double Y)? Cut(Line other)
        {
            var determinant = (X * other.Y) - (Y * other.X);
            return Math.Abs(determinant) < 0.1 ? null : (((At * other.Y) - (Y * other.At)) / determinant, ((X * other.At) - (At * other.X)) / determinant);
        }

        private static Line Fit(List<(double X, double Y)> points)
        {
            var (mx, my) = (points.Average(point => point.X), points.Average(point => point.Y));
            var (xx, xy, yy) = (0.0, 0.0, 0.0);
            foreach (var (x, y) in points)
                (xx, xy, yy) = (xx + ((x - mx) * (x - mx)), xy + ((x - mx) * (y - my)), yy + ((y - my) * (y - my)));
            // The direction of least spread is the normal.
            var angle = 0.5 * Math.Atan2(2 * xy, xx - yy);
            var (nx, ny) = (-Math.Sin(angle), Math.Cos(angle));
            return new Line(nx, ny, (nx * mx) + (ny * my));
        }
    }
}

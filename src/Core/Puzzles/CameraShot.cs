using Vlm.Drawing;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Puzzles;

/// <summary>
/// One photograph of a sheet: where the sheet lies in the frame and what optics, light, sensor and file do to it.
/// Severity runs from 1 (a careful photograph) to 5 (a person still reads most of it).
/// </summary>
internal sealed record CameraShot
{
    /// <summary>The side of the square picture that blur is stated for: what a model sees.</summary>
    private const float ModelSide = 252;

    // Smallest font that the camera is brought near enough for, in pixels per em of the model's picture: a careful and a careless photographer.
    private const float LegibleEm = 8;
    private const float FarEm = 6;

    private CameraShot()
    {
    }

    public required int Severity { get; init; }

    /// <summary>Frame width in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Frame height in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>Share of the frame that the sheet fills, in the direction in which it fills more.</summary>
    public required float Fill { get; init; }

    /// <summary>Radians, clockwise.</summary>
    public required float Rotation { get; init; }

    /// <summary>Movement of the four corners, in shares of the sheet's side.</summary>
    public required (float X, float Y)[] CornerShift { get; init; }

    /// <summary>Where the sheet lies within the free play: 0 left or top, 1 right or bottom.</summary>
    public required (float X, float Y) Position { get; init; }

    /// <summary>Paper beyond the sheet on all sides, in shares of its side.</summary>
    public required float PaperMargin { get; init; }

    /// <summary>Defocus in frame pixels (standard deviation).</summary>
    public required float Defocus { get; init; }

    /// <summary>Movement during the exposure in frame pixels.</summary>
    public required (float X, float Y) Motion { get; init; }

    /// <summary>Darkness of the shadow along the paper's edge, 0 to 1.</summary>
    public required float EdgeShadow { get; init; }

    /// <summary>Standard deviation of the noise in grey levels.</summary>
    public required float Noise { get; init; }

    /// <summary>Share of the noise that differs between the colours.</summary>
    public required float ColourNoise { get; init; }

    /// <summary>JPEG quality 20 to 95; 0 for no compression.</summary>
    public required int JpegQuality { get; init; }

    /// <summary>Draws a photograph.</summary>
    /// <param name="rng">Source of every choice.</param>
    /// <param name="severity">1 to 5.</param>
    /// <param name="otherShapes">Share of frames that are not square.</param>
    /// <param name="style">The sheet: the camera is held upright or across as it suits, and near enough for the letters.</param>
    public static CameraShot Draw(SeededRandom rng, int severity, double otherShapes, SheetStyle style)
    {
        var (width, height) = Frame(rng, otherShapes);
        if ((width > height) != (style.Width > style.Height) && Math.Max(style.Width, style.Height) > 1.25 * Math.Min(style.Width, style.Height))
            (width, height) = (height, width);
        var pixel = MathF.Sqrt(width * height) / ModelSide;
        var turn = 2.2f * severity * MathF.PI / 180;
        var shift = 0.012f * severity;
        var (defocus, motion) = Blur(rng, severity);
        var shot = new CameraShot
        {
            Severity = severity,
            Width = width,
            Height = height,
            Fill = rng.Uniform(severity <= 3 ? 0.7f : 0.45f, 1f),
            Rotation = rng.Uniform(-turn, turn),
            CornerShift = [.. Enumerable.Range(0, 4).Select(_ => (rng.Uniform(-shift, shift), rng.Uniform(-shift, shift)))],
            Position = (Middling(rng), Middling(rng)),
            PaperMargin = rng.Chance(0.5) ? 0 : rng.Uniform(0, 0.12f),
            Defocus = defocus * pixel,
            Motion = (motion.X * pixel, motion.Y * pixel),
            EdgeShadow = rng.Chance(0.4) ? rng.Uniform(0.1f, 0.45f) : 0,
            Noise = rng.Uniform(0.5f, 2.4f) * severity,
            ColourNoise = rng.Uniform(0, 0.7f),
            JpegQuality = rng.Chance(0.4) ? Math.Max(20, rng.Between(95 - (14 * severity), 95)) : 0,
        };
        var em = style.FontSize * shot.Magnification(style) / pixel;
        var legible = severity <= 3 ? LegibleEm : FarEm;
        return em >= legible ? shot : shot with { Fill = MathF.Min(1, shot.Fill * legible / em), PaperMargin = 0 };
    }

    /// <summary>Frame pixels per style pixel when the sheet lies straight: how large the sheet should be drawn.</summary>
    public float Magnification(SheetStyle style) =>
        Fill * MathF.Min(Width / (float)style.Width, Height / (float)style.Height) / (1 + (2 * PaperMargin));

    /// <summary>The map from sheet pixels to frame pixels. All ink stays inside the frame.</summary>
    public Homography Place(Sheet sheet)
    {
        var scale = Fill * Math.Min(Width / (double)sheet.Width, Height / (double)sheet.Height) / (1 + (2 * PaperMargin));
        var corners = Corners(sheet, scale);
        var map = Homography.FromRectangle(sheet.Width, sheet.Height, corners);
        var ink = Bounds(map, sheet.InkBox);
        var shrink = Math.Min(1, 0.98 * Math.Min(Width / (ink.Right - ink.Left), Height / (ink.Bottom - ink.Top)));
        foreach (ref var corner in corners.AsSpan()) corner = (corner.X * shrink, corner.Y * shrink);
        map = Homography.FromRectangle(sheet.Width, sheet.Height, corners);
        ink = Bounds(map, sheet.InkBox);
        var paper = Bounds(map, new Box(0, 0, sheet.Width, sheet.Height));
        var moveX = Offset((paper.Left, paper.Right), (ink.Left, ink.Right), Width, Position.X);
        var moveY = Offset((paper.Top, paper.Bottom), (ink.Top, ink.Bottom), Height, Position.Y);
        foreach (ref var corner in corners.AsSpan()) corner = (corner.X + moveX, corner.Y + moveY);
        return Homography.FromRectangle(sheet.Width, sheet.Height, corners);
    }

    private static (int Width, int Height) Frame(SeededRandom rng, double otherShapes)
    {
        if (!rng.Chance(otherShapes))
        {
            var side = rng.Chance(0.85) ? rng.Between(300, 440) : rng.Between(440, 560);
            return (side, side);
        }

        var aspect = rng.Pick(4 / 3f, 4 / 3f, 3 / 4f, 16 / 9f);
        var shorter = aspect > 1.5f ? rng.Between(290, 360) : rng.Between(300, 420);
        var longer = (int)(shorter * MathF.Max(aspect, 1 / aspect));
        return aspect > 1 ? (longer, shorter) : (shorter, longer);
    }

    /// <summary>Defocus, or movement of the camera, or rarely both; in pixels of the model's picture.</summary>
    private static (float Defocus, (float X, float Y) Motion) Blur(SeededRandom rng, int severity)
    {
        var kind = rng.NextDouble();
        var defocus = rng.Uniform(0, 0.18f + (0.14f * severity));
        if (kind < 0.7) return (defocus, default);
        var length = rng.Uniform(0.5f, 0.6f + (0.62f * severity));
        var (sin, cos) = MathF.SinCos(rng.Uniform(0, MathF.Tau));
        return (kind < 0.93 ? 0 : 0.5f * defocus, (length * cos, length * sin));
    }

    private static float Middling(SeededRandom rng) => (rng.NextSingle() + rng.NextSingle()) / 2;

    private (double X, double Y)[] Corners(Sheet sheet, double scale)
    {
        var (sin, cos) = Math.SinCos(Rotation);
        var corners = new (double X, double Y)[4];
        for (var i = 0; i < 4; i++)
        {
            var x = sheet.Width * ((i is 0 or 3 ? -0.5 : 0.5) + CornerShift[i].X);
            var y = sheet.Height * ((i < 2 ? -0.5 : 0.5) + CornerShift[i].Y);
            corners[i] = (scale * ((x * cos) - (y * sin)), scale * ((x * sin) + (y * cos)));
        }

        return corners;
    }

    private static (double Left, double Top, double Right, double Bottom) Bounds(Homography map, Box box)
    {
        var (right, bottom) = (box.Left + box.Width, box.Top + box.Height);
        ReadOnlySpan<(float X, float Y)> points =
            [map.Map(box.Left, box.Top), map.Map(right, box.Top), map.Map(right, bottom), map.Map(box.Left, bottom)];
        var bounds = (Left: double.MaxValue, Top: double.MaxValue, Right: double.MinValue, Bottom: double.MinValue);
        foreach (var (x, y) in points)
        {
            bounds = (Math.Min(bounds.Left, x), Math.Min(bounds.Top, y), Math.Max(bounds.Right, x), Math.Max(bounds.Bottom, y));
        }

        return bounds;
    }

    /// <summary>Moves the sheet within the frame; where the sheet is larger than the frame, only its ink must be inside.</summary>
    private static double Offset((double Low, double High) paper, (double Low, double High) ink, int side, float position)
    {
        var paperFits = paper.High - paper.Low <= side;
        var low = paperFits ? -paper.Low : 1 - ink.Low;
        var high = paperFits ? side - paper.High : side - 1 - ink.High;
        return low + ((high - low) * position);
    }
}

using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Puzzles;

/// <summary>What a camera box sees: a sheet somewhere in a large frame, near or far, turned any way, with things around it.</summary>
internal static class ScenePicture
{
    private static readonly (int Width, int Height)[] Frames =
        [(640, 480), (640, 480), (800, 600), (1280, 720), (1280, 720), (1920, 1080), (480, 640), (600, 600)];

    /// <summary>Takes a picture of a sheet.</summary>
    /// <param name="draw">Draws the sheet at a scale.</param>
    /// <param name="style">Its look.</param>
    /// <param name="severity">1 to 5.</param>
    /// <param name="frameScale">Frame pixels per pixel of a real camera's frame, 0.1 to 1: a finder needs no more than it sees.</param>
    /// <param name="rng">Source of every choice.</param>
    public static SheetPicture Take(Func<float, Sheet> draw, SheetStyle style, int severity, double frameScale, SeededRandom rng)
    {
        var (width, height) = rng.Pick<(int, int)>(Frames);
        var shot = CameraShot.Draw(rng, severity, 0, style) with { Width = (int)(width * frameScale), Height = (int)(height * frameScale) };
        var place = ScenePlace.Draw(shot, style, rng);
        using var sheet = draw(Math.Clamp(MathF.Ceiling(place.Magnification * 8) / 8, 0.5f, 1.75f));
        var map = place.MapOf(sheet);
        var seen = SheetPicture.Photographed(sheet, style, shot, map, rng);
        var margin = shot.PaperMargin * Math.Max(sheet.Width, sheet.Height);
        return seen with { Corners = Corners(map, sheet.Width, sheet.Height, margin) };
    }

    /// <summary>The paper's corners in the frame, clockwise from the sheet's top left.</summary>
    private static (float X, float Y)[] Corners(Homography map, int width, int height, float margin) =>
    [
        map.Map(-margin, -margin), map.Map(width + margin, -margin), map.Map(width + margin, height + margin), map.Map(-margin, height + margin),
    ];
}

/// <summary>Where a sheet lies in a frame.</summary>
/// <param name="Shot">The frame.</param>
/// <param name="Magnification">Frame pixels per pixel of the style.</param>
/// <param name="Turn">Radians, clockwise.</param>
/// <param name="Middle">Of the sheet, in frame pixels.</param>
/// <param name="Lean">Movement of the four corners, in shares of the sheet's side.</param>
internal sealed record ScenePlace(CameraShot Shot, float Magnification, double Turn, (double X, double Y) Middle, (double X, double Y)[] Lean)
{
    // Share of the frame's width that a sheet fills at least.
    private const float Least = 0.1f;

    // Mostly as people hang a sheet; then leaning; then any way, upside down too.
    private static double DrawTurn(SeededRandom rng) => rng.NextDouble() switch
    {
        < 0.55 => rng.Uniform(-10, 10),
        < 0.75 => rng.Uniform(-40, 40),
        < 0.9 => (90 * rng.Between(1, 3)) + rng.Uniform(-8, 8),
        _ => rng.Uniform(0, 360),
    } * Math.PI / 180;

    /// <summary>Draws a place in which the whole paper lies inside the frame.</summary>
    public static ScenePlace Draw(CameraShot shot, SheetStyle style, SeededRandom rng)
    {
        var turn = DrawTurn(rng);
        var lean = 0.02f * shot.Severity;
        (double, double)[] corners = [.. Enumerable.Range(0, 4).Select(_ => ((double)rng.Uniform(-lean, lean), (double)rng.Uniform(-lean, lean)))];
        var (sin, cos) = (Math.Abs(Math.Sin(turn)), Math.Abs(Math.Cos(turn)));
        var room = 1 + (2 * shot.PaperMargin) + (2 * lean);
        // The upright box around the turned paper, in style pixels.
        var (across, down) = (room * ((style.Width * cos) + (style.Height * sin)), room * ((style.Width * sin) + (style.Height * cos)));
        var largest = Math.Min(shot.Width / across, shot.Height / down);
        var share = rng.Uniform(Least, 1);
        var magnification = Math.Min(largest, share * shot.Width / style.Width);
        var (halfWidth, halfHeight) = (across * magnification / 2, down * magnification / 2);
        var middle = (Within(shot.Width, halfWidth, rng), Within(shot.Height, halfHeight, rng));
        return new ScenePlace(shot, (float)magnification, turn, middle, corners);
    }

    /// <summary>The map from the sheet's pixels to the frame's.</summary>
    public Homography MapOf(Sheet sheet)
    {
        var scale = Magnification / sheet.Scale;
        var (sin, cos) = Math.SinCos(Turn);
        var corners = new (double X, double Y)[4];
        for (var i = 0; i < 4; i++)
        {
            var x = scale * sheet.Width * ((i is 0 or 3 ? -0.5 : 0.5) + Lean[i].X);
            var y = scale * sheet.Height * ((i < 2 ? -0.5 : 0.5) + Lean[i].Y);
            corners[i] = (Middle.X + (x * cos) - (y * sin), Middle.Y + (x * sin) + (y * cos));
        }

        return Homography.FromRectangle(sheet.Width, sheet.Height, corners);
    }

    private static double Within(int side, double half, SeededRandom rng) => half + ((side - (2 * half)) * rng.NextDouble());
}

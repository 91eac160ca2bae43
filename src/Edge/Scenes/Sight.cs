using Vlm.Vision;

namespace Vlm.Edge.Scenes;

/// <summary>A frame as the change gate sees it: how light each part of it is, how colourful all of it, and its fine detail.</summary>
internal sealed class Sight
{
    /// <summary>Pixels of a camera's picture that are enough for one: a decoder can leave out the rest.</summary>
    public const int EnoughPixels = 80_000;

    /// <summary>Cells of the grid.</summary>
    public const int Cells = Columns * Rows;

    private const int Columns = 16, Rows = 12;

    // Of 255. The mean of a cell's hundreds of pixels moves by less than 2 with the noise of a sensor in the dark, and by 40 when a sheet comes.
    private const float LeastDifference = 8;

    // A cell alone is a fly, or the digits of a clock that the camera writes into its picture.
    private const int LeastCells = 2;
    private const double MostCells = 0.6;

    // Mean distance of a pixel's channels, of 255: cameras that switch to infra-red send grey pictures.
    private const float Grey = 3, Coloured = 6;

    private readonly float[] _light;
    private readonly float _colour;
    private readonly Scene _scene;

    private Sight(float[] light, float colour, Scene scene) => (_light, _colour, _scene) = (light, colour, scene);

    /// <summary>What is seen of a picture.</summary>
    public static Sight Of(RgbImage picture) => new(GreyCells.Of(picture, Columns, Rows), Colourfulness(picture), Scene.From(picture));

    /// <summary>Cells that differ when the change of light that all share, its median, is taken away.</summary>
    public int ChangedCells(Sight other)
    {
        Span<float> changes = stackalloc float[Cells];
        for (var i = 0; i < Cells; i++) changes[i] = _light[i] - other._light[i];
        Span<float> sorted = stackalloc float[Cells];
        changes.CopyTo(sorted);
        sorted.Sort();
        var light = (sorted[(Cells / 2) - 1] + sorted[Cells / 2]) / 2;
        var changed = 0;
        foreach (var change in changes)
        {
            if (MathF.Abs(change - light) > LeastDifference) changed++;
        }
        return changed;
    }

    /// <summary>Whether something is elsewhere, gone or new.</summary>
    public bool Moved(Sight other) => ChangedCells(other) >= LeastCells;

    /// <summary>Whether all of it is another picture: the lamp, the switch between day and night, another place.</summary>
    public bool IsFlip(Sight other) =>
        ChangedCells(other) > MostCells * Cells || (_colour < Grey && other._colour > Coloured) || (_colour > Coloured && other._colour < Grey);

    /// <summary>Whether fine detail differs, such as the letters of a sheet.</summary>
    public bool HasOtherDetail(Sight other) => !_scene.HasSameDetailAs(other._scene);

    private static float Colourfulness(RgbImage picture)
    {
        var pixels = picture.Pixels;
        long sum = 0;
        var counted = 0;
        // Every seventh pixel says it as well as all of them.
        for (var i = 0; i + 2 < pixels.Length; i += 21, counted++)
        {
            var (r, g, b) = (pixels[i], pixels[i + 1], pixels[i + 2]);
            sum += Math.Max(r, Math.Max(g, b)) - Math.Min(r, Math.Min(g, b));
        }
        return (float)sum / counted;
    }
}

using System.Diagnostics;
using Vlm.Engine.Ort;
using Vlm.Finding;
using Vlm.Package;
using Vlm.Vision;

namespace Vlm.Solving;

/// <summary>When the sheet is cut out of the picture.</summary>
public enum FindMode
{
    /// <summary>Where it is found and is a small part of the picture; what fills most of it is read as it is.</summary>
    Auto,

    /// <summary>Wherever it is found.</summary>
    Always,

    /// <summary>The picture is read as it is.</summary>
    Never,
}

/// <summary>A look for the sheet before the picture is read.</summary>
/// <param name="Folder">Package of the sheet finder.</param>
/// <param name="Mode">When the sheet is cut out.</param>
public sealed record SheetSearch(string Folder, FindMode Mode);

/// <summary>What a look for the sheet came to.</summary>
/// <param name="Sheet">The sheet that was cut out; null where the picture is read as it is.</param>
/// <param name="Why">Why nothing was cut out; null where a sheet was.</param>
/// <param name="Way">Who looked, and when it cuts: what a certificate depends on.</param>
/// <param name="Time">How long it took.</param>
public sealed record SheetLook(FoundSheet? Sheet, NotFound? Why, string Way, TimeSpan Time);

/// <summary>Looks for the sheet in a picture and cuts it out, seen straight from the front. Dispose it.</summary>
internal sealed class SheetCutter : IDisposable
{
    // A sheet that fills more of the picture has pixels enough as it is, and a tilt that the model was trained on.
    private const double Small = 0.5;

    private readonly OnnxFinder _detector;
    private readonly SheetFinder _finder;
    private readonly FindMode _mode;

    private SheetCutter(OnnxFinder detector, FindMode mode)
    {
        (_detector, _finder, _mode) = (detector, new SheetFinder(detector.Look), mode);
        Way = $"{mode.ToString().ToLowerInvariant()} {detector.Fingerprint}";
    }

    /// <inheritdoc cref="SheetLook.Way"/>
    public string Way { get; }

    /// <returns>Null where nothing is looked for.</returns>
    /// <exception cref="ModelException">The finder's package cannot be used.</exception>
    public static SheetCutter? Open(SheetSearch? search) =>
        search is null or { Mode: FindMode.Never } ? null : new SheetCutter(new OnnxFinder(search.Folder), search.Mode);

    /// <summary>The picture to read, and what was found in it.</summary>
    public (RgbImage Picture, SheetLook Look) Cut(RgbImage picture)
    {
        var start = Stopwatch.GetTimestamp();
        var (sheet, why) = _mode == FindMode.Auto ? _finder.Find(picture, Small) : _finder.Find(picture);
        var read = sheet is null ? picture : Rectified.Of(picture, sheet.Corners, Rectified.ReadingMargin).Picture;
        return (read, new SheetLook(sheet, why, Way, Stopwatch.GetElapsedTime(start)));
    }

    public void Dispose() => _detector.Dispose();
}

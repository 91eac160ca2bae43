using System.Diagnostics;
using System.Globalization;
using Vlm.Edge.Scenes;
using Vlm.Engine.Ort;
using Vlm.Finding;
using Vlm.Vision;

namespace Vlm.Edge.Cameras;

/// <summary>Whether the sheet finder sees a sheet in a picture, in words.</summary>
internal static class SheetSeen
{
    /// <param name="folder">Package of the sheet finder; null when there is none.</param>
    /// <param name="file">The picture as it came.</param>
    /// <param name="view">What of it is used.</param>
    /// <exception cref="Vlm.Package.ModelException">The package cannot be used.</exception>
    public static string Describe(string? folder, ReadOnlySpan<byte> file, ViewOptions view)
    {
        if (folder is null) return "not looked for: the configuration names no sheet finder (model: finder), and neither does --finder";
        using var detector = new OnnxFinder(folder);
        try
        {
            var picture = view.Apply(ImageCodec.Read(file).Image);
            var (sheet, why) = new SheetFinder(detector.Look).Find(picture);
            return sheet is null ? $"none is found: {Why(why)}" : string.Create(CultureInfo.InvariantCulture,
                $"found: {sheet.Corners.Sides.Across:F0}x{sheet.Corners.Sides.Down:F0} pixels, {100 * Share(sheet, picture):F0} % of the picture");
        }
        catch (PictureException e)
        {
            return $"not looked for: the picture cannot be decoded: {e.Message}";
        }
    }

    private static double Share(FoundSheet sheet, RgbImage picture) => sheet.Corners.Area / ((double)picture.Width * picture.Height);

    private static string Why(NotFound? why) => why switch
    {
        NotFound.Absent => "nothing looks like one",
        NotFound.NoSheet => "what looks like one has not its shape, or is too small",
        NotFound.Unsteady => "what looks like one does not from near by",
        _ => throw new UnreachableException(),
    };
}

using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Vlm.Drawing;

/// <summary>One face of the font list.</summary>
/// <param name="Family">Name for people.</param>
/// <param name="Style">regular, bold, italic or bold-italic.</param>
/// <param name="Kind">sans, serif or mono.</param>
/// <param name="Files">File names it may have, any one suffices; compared without case.</param>
/// <param name="HeldOut">Never used in training.</param>
public sealed record FontEntry(string Family, string Style, string Kind, IReadOnlyList<string> Files, bool HeldOut);

/// <summary>A family of the longer list.</summary>
/// <param name="Family">Name for people.</param>
/// <param name="Package">The Debian package that has it.</param>
/// <param name="HeldOut">Never used in training.</param>
/// <param name="Files">File names of its faces: weights from hairline to black, condensed and slanted ones.</param>
public sealed record FontFamily(string Family, string Package, bool HeldOut, IReadOnlyList<string> Files);

/// <summary>
/// The faces of <c>fonts.json</c> that are installed on this machine. Faces whose hairlines vanish at 16 pixels are not in the list. Pictures depend on them:
/// the same seed gives the same picture on machines that have the same fonts.
/// </summary>
public static class Fonts
{
    private const string Resource = "fonts.json";
    private const string MoreResource = "more-fonts.json";
    private const string Arrows = "→->=: ";
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private static readonly Lazy<IReadOnlyList<(FontEntry Entry, FontFace Face)>> Installed = new(FindInstalled);
    // Lazy, so that a machine without fonts gets the message of Missing() and not a failed type initialiser.
    private static readonly Lazy<FontFace[]> TrainingFaces = new(() => Faces(heldOut: false));
    private static readonly Lazy<FontFace[]> HeldOutFaces = new(() => Faces(heldOut: true));
    private static readonly Lazy<IReadOnlyList<IReadOnlyList<FontFace>>> MoreTraining = new(() => FindMore(heldOut: false));
    private static readonly Lazy<IReadOnlyList<IReadOnlyList<FontFace>>> MoreHeldOut = new(() => FindMore(heldOut: true));
    private static readonly Lazy<FontFace> ReferenceFace = new(() => First("Noto Sans Symbols", "Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial"));
    private static readonly Lazy<FontFace> ArrowFace = new(() => Installed.Value.Select(font => font.Face).FirstOrDefault(face => face.Has(Arrows))
        ?? throw Missing("a font with the arrow U+2192"));

    /// <summary>The faces used in training, in the order of the list.</summary>
    public static IReadOnlyList<FontFace> Training => TrainingFaces.Value;

    /// <summary>The faces kept out of training, in the order of the list.</summary>
    public static IReadOnlyList<FontFace> HeldOut => HeldOutFaces.Value;

    /// <summary>
    /// Families of the longer list of which a face is installed, in the order of the list; [F] families of [1..] faces each. Without
    /// any, those of the short list, each face a family of its own.
    /// </summary>
    /// <param name="heldOut">The third of the families that training never uses, or the others.</param>
    public static IReadOnlyList<IReadOnlyList<FontFace>> More(bool heldOut) => (heldOut ? MoreHeldOut : MoreTraining).Value;

    /// <summary>The longer list, installed or not.</summary>
    public static IReadOnlyList<FontFamily> Families { get; } = Read(MoreResource, FontJson.Default.ListFontFamily);

    /// <summary>The face of the reference layout (Noto Sans Symbols), or the most similar one installed.</summary>
    public static FontFace Reference => ReferenceFace.Value;

    /// <summary>The face that draws the arrow for fonts that lack it.</summary>
    public static FontFace Arrow => ArrowFace.Value;

    /// <summary>
    /// A face for labels: the first one used in training that draws every character of <paramref name="text"/>, or else <see cref="Reference"/>.
    /// </summary>
    /// <exception cref="UserException">No font of the list is installed.</exception>
    public static FontFace For(string text) => Training.FirstOrDefault(face => face.Has(text)) ?? Reference;

    /// <summary>The whole list, installed or not.</summary>
    public static IReadOnlyList<FontEntry> List { get; } = ReadList();

    /// <summary>The face that draws an arrow between letters of <paramref name="face"/>: the same if it can, else <see cref="Arrow"/>.</summary>
    public static FontFace ArrowFor(FontFace face, string arrow)
    {
        ArgumentNullException.ThrowIfNull(face);
        return face.Has(arrow) ? face : Arrow;
    }

    private static FontFace[] Faces(bool heldOut) =>
        [.. Installed.Value.Where(font => font.Entry.HeldOut == heldOut).Select(font => font.Face)];

    private static FontFace First(params ReadOnlySpan<string> families)
    {
        foreach (var family in families)
        {
            var found = Installed.Value.FirstOrDefault(font => font.Entry.Family == family && font.Entry.Style == "regular");
            if (found.Face is not null) return found.Face;
        }

        return Installed.Value[0].Face;
    }

    private static List<(FontEntry Entry, FontFace Face)> FindInstalled()
    {
        var files = InstalledFiles();
        var found = new List<(FontEntry, FontFace)>();
        foreach (var entry in ReadList())
        {
            var path = entry.Files.Select(file => files.GetValueOrDefault(file)).FirstOrDefault(path => path is not null);
            if (path is null) continue;
            var face = FontFace.Open(path);
            if (face.Has(Alphabet)) found.Add((entry, face));
        }

        return found.Count > 0 ? found : throw Missing("a font that can draw a-z");
    }

    private static IReadOnlyList<IReadOnlyList<FontFace>> FindMore(bool heldOut)
    {
        var files = InstalledFiles();
        IReadOnlyList<IReadOnlyList<FontFace>> found =
        [
            .. Families.Where(family => family.HeldOut == heldOut)
                .Select(family => (IReadOnlyList<FontFace>)[.. family.Files
                    .Select(file => files.GetValueOrDefault(file)).OfType<string>().Select(FontFace.Open).Where(face => face.Has(Alphabet))])
                .Where(faces => faces.Count > 0),
        ];
        return found.Count > 0 ? found : [.. (heldOut ? HeldOut : Training).Select(face => (IReadOnlyList<FontFace>)[face])];
    }

    private static Dictionary<string, string> InstalledFiles()
    {
        var files = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var everywhere = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        foreach (var folder in Folders().Where(Directory.Exists))
        {
            // Sorted, so that two copies of a font give the same choice every time.
            foreach (var path in Directory.EnumerateFiles(folder, "*", everywhere).Order(StringComparer.Ordinal))
                files.TryAdd(Path.GetFileName(path), path);
        }

        return files;
    }

    private static IEnumerable<string> Folders()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return
        [
            "/usr/share/fonts", "/usr/local/share/fonts", Path.Combine(home, ".fonts"), Path.Combine(home, ".local/share/fonts"),
            Environment.GetFolderPath(Environment.SpecialFolder.Fonts), "/System/Library/Fonts", "/Library/Fonts", Path.Combine(home, "Library/Fonts"),
        ];
    }

    private static UserException Missing(string what) => new(
        $"expected {what} among the faces of {Resource} in {string.Join(", ", Folders().Where(folder => folder.Length > 0))}; none is installed. " +
        "Install DejaVu or Noto (Debian: apt-get install fonts-dejavu-core fonts-noto-core fonts-liberation)");

    private static List<FontEntry> ReadList() => Read(Resource, FontJson.Default.ListFontEntry);

    private static T Read<T>(string resource, JsonTypeInfo<T> type)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"the resource {resource} is missing from {Assembly.GetExecutingAssembly().Location}; rebuild Core");
        return JsonSerializer.Deserialize(stream, type)!;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(List<FontEntry>)), JsonSerializable(typeof(List<FontFamily>))]
internal sealed partial class FontJson : JsonSerializerContext;

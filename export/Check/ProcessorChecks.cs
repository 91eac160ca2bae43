using System.Text.Json;
using Vlm.Export.Options;
using Vlm.Export.Package;
using Vlm.Vision;

namespace Vlm.Export.Check;

/// <summary><c>processor_config.json</c>: GenAI's reader tells integers and reals apart by their spelling, and the order of the steps matters.</summary>
internal static class ProcessorChecks
{
    private const string Section = ProcessorConfig.FileName;

    private static readonly string[] Steps = ["DecodeImage", "ConvertRGB", "Resize", "Rescale", "Normalize", "PatchImage"];

    private static readonly string[] RealAttributes = ["rescale_factor", "mean", "std"];

    private static readonly string[] OtherAttributes =
    [
        "color_space", "width", "height", "smart_resize", "min_pixels", "max_pixels", "patch_size", "merge_size", "temporal_patch_size", "interpolation",
        "keep_aspect_ratio", "qwen2_5_vl",
    ];

    /// <param name="folder">The package.</param>
    /// <param name="pictures">The checkpoint's settings, when there is a checkpoint.</param>
    public static IEnumerable<CheckRow> Run(string folder, PictureConfig? pictures)
    {
        var path = Path.Combine(folder, Section);
        if (!File.Exists(path)) return [CheckRow.Of(Section, "is there", false, "missing")];
        using var document = Parse(path);
        return
        [
            Try(document, Order),
            Try(document, Types),
            Try(document, Sides),
            Try(document, operations => Settings(operations, pictures)),
            CheckRow.Skip(Section, "our patches equal those of GenAI's own processor", "that processor is not part of this build; pictures are cut by ours"),
        ];
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (JsonException e)
        {
            throw new ExportException($"'{path}' is not JSON: {e.Message}", e);
        }
    }

    /// <summary>A value that is missing or of another kind fails the check that needs it.</summary>
    private static CheckRow Try(JsonDocument document, Func<List<JsonElement>, CheckRow> check)
    {
        try
        {
            var steps = document.RootElement.GetProperty("processor").GetProperty("transforms").EnumerateArray();
            return check([.. steps.Select(step => step.GetProperty("operation"))]);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return CheckRow.Of(Section, "has every value that is needed, of its kind", false, e.Message);
        }
    }

    private static CheckRow Order(List<JsonElement> operations)
    {
        string[] found = [.. operations.Select(each => each.GetProperty("type").GetString()!)];
        var named = operations.All(each => each.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String);
        return CheckRow.Of(Section, "steps in order, each with a name", named && found.SequenceEqual(Steps), string.Join(", ", found));
    }

    private static CheckRow Types(List<JsonElement> operations)
    {
        var problems = new List<string>();
        var count = 0;
        foreach (var attribute in operations.Where(each => each.TryGetProperty("attrs", out _)).SelectMany(each => each.GetProperty("attrs").EnumerateObject()))
        {
            count++;
            var isReal = RealAttributes.Contains(attribute.Name);
            if (!isReal && !OtherAttributes.Contains(attribute.Name))
                problems.Add($"'{attribute.Name}' is unknown");
            else if (!Numbers(attribute.Value).All(number => number.AsSpan().ContainsAny('.', 'e', 'E') == isReal))
                problems.Add($"'{attribute.Name}' is {attribute.Value.GetRawText()}; {(isReal ? "a real number" : "an integer")} is needed");
            else if (attribute.Value.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null)
                problems.Add($"'{attribute.Name}' is {attribute.Value.GetRawText()}; use 0 or 1");
        }

        return CheckRow.Of(Section, "attributes are known, integers and reals spelled as such", problems, $"{count} attributes");
    }

    private static IEnumerable<string> Numbers(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => [value.GetRawText()],
        JsonValueKind.Array => value.EnumerateArray().SelectMany(Numbers),
        _ => [],
    };

    private static CheckRow Sides(List<JsonElement> operations)
    {
        var resize = Attribute(operations, "Resize");
        var factor = resize.GetProperty("patch_size").GetInt32() * resize.GetProperty("merge_size").GetInt32();
        if (resize.TryGetProperty("smart_resize", out var smart) && smart.GetInt32() == 1)
            return CheckRow.Of(Section, "sides are multiples of patch x merge", true, $"smart resize to multiples of {factor}");
        var (width, height) = (resize.GetProperty("width").GetInt32(), resize.GetProperty("height").GetInt32());
        var fits = width % factor == 0 && height % factor == 0;
        return CheckRow.Of(Section, "sides are multiples of patch x merge", fits, $"{width} x {height}, factor {factor}");
    }

    private static CheckRow Settings(List<JsonElement> operations, PictureConfig? pictures)
    {
        const string claim = "pixel limits, patch sizes, mean and deviation are those of preprocessor_config.json";
        if (pictures is null) return CheckRow.Skip(Section, claim, "no checkpoint to compare with");
        var (resize, normalize, patch) = (Attribute(operations, "Resize"), Attribute(operations, "Normalize"), Attribute(operations, "PatchImage"));
        (string Name, bool Same)[] settings =
        [
            ("min_pixels", Is(resize, "min_pixels", pictures.MinPixels)),
            ("max_pixels", Is(resize, "max_pixels", pictures.MaxPixels)),
            ("patch_size", Is(resize, "patch_size", pictures.PatchSize) && Is(patch, "patch_size", pictures.PatchSize)),
            ("merge_size", Is(resize, "merge_size", pictures.MergeSize) && Is(patch, "merge_size", pictures.MergeSize)),
            ("temporal_patch_size", Is(patch, "temporal_patch_size", pictures.TemporalPatchSize)),
            ("mean", normalize.GetProperty("mean").EnumerateArray().Select(value => value.GetSingle()).SequenceEqual(pictures.Mean)),
            ("std", normalize.GetProperty("std").EnumerateArray().Select(value => value.GetSingle()).SequenceEqual(pictures.Std)),
        ];
        return CheckRow.Of(Section, claim, [.. settings.Where(setting => !setting.Same).Select(setting => $"'{setting.Name}' differs")], "the same");
    }

    private static bool Is(JsonElement attributes, string name, int expected) => attributes.GetProperty(name).GetInt32() == expected;

    private static JsonElement Attribute(List<JsonElement> operations, string type) =>
        operations.First(each => each.GetProperty("type").GetString() == type).GetProperty("attrs");
}

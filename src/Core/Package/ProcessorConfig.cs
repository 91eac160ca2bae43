using System.Text.Json;
using Vlm.Model;
using Vlm.Vision;

namespace Vlm.Package;

/// <summary>Reads <c>processor_config.json</c>, GenAI's description of how a picture becomes patches, as our own.</summary>
public static class ProcessorConfig
{
    /// <summary>Reads the file of a package.</summary>
    /// <exception cref="ModelException">Missing, not JSON, a step is missing or asks for something that the reference processor does not do.</exception>
    public static PictureConfig Load(string path)
    {
        try
        {
            using var document = JsonFields.Open(path);
            var problems = new List<string>();
            var config = Read(document.RootElement, problems);
            if (problems.Count == 0) return config;
            throw new ModelException($"'{path}' cannot be used: {string.Join("; ", problems)}.");
        }
        catch (CheckpointException e)
        {
            throw new ModelException(e.Message, e);
        }
    }

    private static PictureConfig Read(JsonElement root, List<string> problems)
    {
        var steps = Steps(root, problems);
        var resize = Step(steps, "Resize", problems);
        var rescale = Step(steps, "Rescale", problems);
        var normalize = Step(steps, "Normalize", problems);
        var patches = Step(steps, "PatchImage", problems);
        if (problems.Count > 0) return new PictureConfig();
        var config = new PictureConfig
        {
            MinPixels = resize!.Int("min_pixels"),
            MaxPixels = resize.Int("max_pixels"),
            PatchSize = patches!.Int("patch_size"),
            TemporalPatchSize = patches.Int("temporal_patch_size"),
            MergeSize = patches.Int("merge_size"),
            Mean = normalize!.Floats("mean"),
            Std = normalize.Floats("std"),
        };
        if (resize.Int("smart_resize", 0) != 1) problems.Add("the step 'Resize' must have smart_resize 1");
        if (Math.Abs(rescale!.Number("rescale_factor") * 255 - 1) > 1e-9) problems.Add("the step 'Rescale' must have rescale_factor 1/255");
        if (config.Mean.Length != 3 || config.Std.Length != 3) problems.Add("the step 'Normalize' must have three means and three deviations");
        if (config.PatchSize < 1 || config.TemporalPatchSize < 1 || config.MergeSize < 1) problems.Add("the sizes of the step 'PatchImage' must be at least 1");
        if (config.MinPixels < 1 || config.MaxPixels < config.MinPixels) problems.Add("the step 'Resize' must have 1 <= min_pixels <= max_pixels");
        return config;
    }

    /// <summary>The attributes of every step by the step's type.</summary>
    private static Dictionary<string, JsonFields> Steps(JsonElement root, List<string> problems)
    {
        var steps = new Dictionary<string, JsonFields>();
        if (!root.TryGetProperty("processor", out var processor) || processor.ValueKind != JsonValueKind.Object
            || !processor.TryGetProperty("transforms", out var transforms) || transforms.ValueKind != JsonValueKind.Array)
        {
            problems.Add("'processor.transforms' is missing");
            return steps;
        }
        foreach (var transform in transforms.EnumerateArray())
        {
            if (transform.ValueKind != JsonValueKind.Object || !transform.TryGetProperty("operation", out var operation)) continue;
            var fields = new JsonFields(operation, "", problems);
            var type = fields.Text("type", "");
            if (fields.Section("attrs") is { } attributes) steps[type] = attributes;
        }
        return steps;
    }

    private static JsonFields? Step(Dictionary<string, JsonFields> steps, string type, List<string> problems)
    {
        if (steps.TryGetValue(type, out var step)) return step;
        problems.Add($"the step '{type}' is missing");
        return null;
    }
}

using System.Text.Json;
using Vlm.Model;

namespace Vlm.Vision;

/// <summary>How a picture becomes patches: Hugging Face's <c>preprocessor_config.json</c>.</summary>
public sealed record PictureConfig
{
    /// <summary>Side of a patch in pixels.</summary>
    public int PatchSize { get; init; } = 14;

    /// <summary>Frames in one patch; a still picture fills them all with the same pixels.</summary>
    public int TemporalPatchSize { get; init; } = 2;

    /// <summary>Side of a merged block in patches.</summary>
    public int MergeSize { get; init; } = 2;

    /// <summary>Least number of pixels after resizing (default: the public models').</summary>
    public int MinPixels { get; init; } = 56 * 56;

    /// <summary>Greatest number of pixels after resizing (default: the public models').</summary>
    public int MaxPixels { get; init; } = 28 * 28 * 1280;

    /// <summary>[3] subtracted from a channel in 0 to 1 (default: CLIP's).</summary>
    public float[] Mean { get; init; } = [0.48145466f, 0.4578275f, 0.40821073f];

    /// <summary>[3] divides a channel after the subtraction (default: CLIP's).</summary>
    public float[] Std { get; init; } = [0.26862954f, 0.26130258f, 0.27577711f];

    /// <summary>Side of a merged block in pixels: resized sides are multiples of it.</summary>
    public int Factor => PatchSize * MergeSize;

    /// <summary>Numbers in one patch: channel x frame x row x column.</summary>
    public int PatchLength => 3 * TemporalPatchSize * PatchSize * PatchSize;

    /// <summary>Reads either spelling: <c>min_pixels/max_pixels</c> (public checkpoints) or <c>size.shortest_edge/longest_edge</c> (newer).</summary>
    /// <exception cref="CheckpointException">Missing, not JSON, or asks for something else than rescale by 1/255 and bicubic; all problems in one
    /// message.</exception>
    public static PictureConfig Load(string path)
    {
        using JsonDocument document = JsonFields.Open(path);
        var problems = new List<string>();
        var fields = new JsonFields(document.RootElement, "", problems);
        JsonFields? size = fields.Section("size");
        var config = new PictureConfig
        {
            PatchSize = fields.Int("patch_size"),
            TemporalPatchSize = fields.Int("temporal_patch_size"),
            MergeSize = fields.Int("merge_size"),
            MinPixels = fields.Has("min_pixels") || size is null ? fields.Int("min_pixels") : size.Int("shortest_edge"),
            MaxPixels = fields.Has("max_pixels") || size is null ? fields.Int("max_pixels") : size.Int("longest_edge"),
            Mean = fields.Floats("image_mean"),
            Std = fields.Floats("image_std"),
        };
        foreach (string step in (string[])["do_resize", "do_rescale", "do_normalize", "do_convert_rgb"])
            fields.MustBe(step, true);
        if (fields.Int("resample", 3) is int resample && resample != 3)
            problems.Add($"'resample' is {resample}; only 3 (bicubic) is supported");
        if (fields.Number("rescale_factor", 1 / 255.0) is double factor && Math.Abs(factor * 255 - 1) > 1e-9)
            problems.Add($"'rescale_factor' is {factor}; only 1/255 is supported");
        if (problems.Count == 0)
            config.Check(problems);
        return problems.Count == 0 ? config : throw new CheckpointException($"{path}: {string.Join("; ", problems)}.");
    }

    /// <summary>Writes the public spelling, under a temporary name first.</summary>
    public void Save(string path) => JsonFields.Save(path, json =>
    {
        json.WriteNumber("min_pixels", MinPixels);
        json.WriteNumber("max_pixels", MaxPixels);
        json.WriteNumber("patch_size", PatchSize);
        json.WriteNumber("temporal_patch_size", TemporalPatchSize);
        json.WriteNumber("merge_size", MergeSize);
        JsonFields.Write(json, "image_mean", Mean);
        JsonFields.Write(json, "image_std", Std);
        json.WriteString("image_processor_type", "Qwen2VLImageProcessor");
        json.WriteString("processor_class", "Qwen2_5_VLProcessor");
    });

    private void Check(List<string> problems)
    {
        if (PatchSize < 1 || TemporalPatchSize < 1 || MergeSize < 1)
            problems.Add($"patch_size {PatchSize}, temporal_patch_size {TemporalPatchSize} and merge_size {MergeSize} must be at least 1");
        if (MinPixels < 1 || MaxPixels < MinPixels)
            problems.Add($"the least number of pixels {MinPixels} must be at least 1 and at most the greatest {MaxPixels}");
        if (Mean.Length != 3 || Std.Length != 3)
            problems.Add($"image_mean and image_std must have 3 numbers; they have {Mean.Length} and {Std.Length}");
        if (Std.Any(value => !(value > 0)))
            problems.Add("image_std must be above 0");
    }
}

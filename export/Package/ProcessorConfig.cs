using System.Text.Json;
using Vlm.Vision;

namespace Vlm.Export.Package;

/// <summary><c>processor_config.json</c>: the steps from a picture file to patches, for ONNX Runtime GenAI's own processor.</summary>
/// <remarks>Its reader tells integers and reals apart by their spelling and refuses unknown attributes, so every attribute's type matters.</remarks>
internal static class ProcessorConfig
{
    public const string FileName = "processor_config.json";

    public static void Write(string path, PictureConfig config) => PackageJson.Write(path, json => PackageJson.Object(json, "processor", () =>
    {
        json.WriteString("name", "qwen2_5_image_processor");
        PackageJson.Array(json, "transforms", () => WriteSteps(json, config));
    }));

    private static void WriteSteps(Utf8JsonWriter json, PictureConfig config)
    {
        Step(json, "decode_image", "DecodeImage", () => json.WriteString("color_space", "RGB"));
        // Swaps the outer channels; "qwen2_5_vl" below swaps them back. One without the other is wrong.
        Step(json, "convert_to_rgb", "ConvertRGB", null);
        Step(json, "resize", "Resize", () =>
        {
            // Required by the reader, not used by a smart resize.
            json.WriteNumber("width", 540);
            json.WriteNumber("height", 360);
            json.WriteNumber("smart_resize", 1);
            json.WriteNumber("min_pixels", config.MinPixels);
            json.WriteNumber("max_pixels", config.MaxPixels);
            json.WriteNumber("patch_size", config.PatchSize);
            json.WriteNumber("merge_size", config.MergeSize);
        });
        Step(json, "rescale", "Rescale", () =>
        {
            json.WritePropertyName("rescale_factor");
            json.WriteRawValue(PackageJson.Real(1 / 255.0));
        });
        Step(json, "normalize", "Normalize", () =>
        {
            Reals(json, "mean", config.Mean);
            Reals(json, "std", config.Std);
            json.WriteNumber("qwen2_5_vl", 1);
        });
        Step(json, "patch_image", "PatchImage", () =>
        {
            json.WriteNumber("patch_size", config.PatchSize);
            json.WriteNumber("temporal_patch_size", config.TemporalPatchSize);
            json.WriteNumber("merge_size", config.MergeSize);
        });
    }

    private static void Step(Utf8JsonWriter json, string name, string type, Action? attributes)
    {
        json.WriteStartObject();
        PackageJson.Object(json, "operation", () =>
        {
            json.WriteString("name", name);
            json.WriteString("type", type);
            if (attributes is not null) PackageJson.Object(json, "attrs", attributes);
        });
        json.WriteEndObject();
    }

    private static void Reals(Utf8JsonWriter json, string name, float[] values) => PackageJson.Array(json, name, () =>
    {
        foreach (var value in values)
            json.WriteRawValue(PackageJson.Real(value));
    });
}

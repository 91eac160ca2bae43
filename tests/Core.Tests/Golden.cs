using System.Text.Json;
using Vlm.Model;
using Vlm.Vision;

namespace Vlm.Core.Tests;

/// <summary>The reference implementations' numbers in tests/Golden.</summary>
internal static class Golden
{
    private static readonly Lazy<SafeTensors> ReferenceTensors = new(() => SafeTensors.Open(Path("qwen25vl/golden.safetensors")));

    /// <summary>What the reference model computed.</summary>
    public static SafeTensors Tensors => ReferenceTensors.Value;

    public static string Checkpoint => Path("qwen25vl/checkpoint");

    public static VlmConfig Config => VlmConfig.Load(Checkpoint);

    public static PictureConfig PictureConfig => PictureConfig.Load(Path("qwen25vl/checkpoint/preprocessor_config.json"));

    public static string Path(string relative) => Repository.Golden(relative);

    public static JsonElement Json(string relative) => JsonDocument.Parse(File.ReadAllBytes(Path(relative))).RootElement;

    public static RgbImage Picture(string name) => ImageCodec.Decode(File.ReadAllBytes(Path($"qwen25vl/pictures/{name}.png")));

    public static PatchGrid Grid(string picture)
    {
        long[] grid = Tensors.ReadLongs($"grid.{picture}");
        return new PatchGrid((int)grid[0], (int)grid[1], (int)grid[2]);
    }
}

using Vlm.Model;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Export.Tests;

/// <summary>What the reference implementation computed for the tiny checkpoint.</summary>
internal sealed class GoldenModel : IDisposable
{
    public static readonly Dictionary<string, string[]> Pictures = new()
    {
        ["one"] = ["a"],
        ["window"] = ["b"],
        ["two"] = ["c", "d"],
        ["odd"] = ["e"],
        ["square"] = ["f"],
        ["text"] = [],
    };

    private readonly SafeTensors _tensors = SafeTensors.Open(Repository.Golden("qwen25vl", "golden.safetensors"));

    public VlmConfig Config { get; } = VlmConfig.Load(Repository.Golden("qwen25vl", "checkpoint", "config.json"));

    public float[] Floats(string name) => _tensors.ReadFloats(name);

    public long[] Longs(string name) => _tensors.ReadLongs(name);

    public long[] Grid(string picture) => Longs("grid." + picture);

    /// <summary>All patches of a case's pictures, tightly packed one after the other.</summary>
    public float[] Pixels(string name) => [.. Pictures[name].SelectMany(picture => Floats("pixel_values." + picture))];

    public long[] Grids(string name) => [.. Pictures[name].SelectMany(Grid)];

    /// <summary>The reference's features of a case's pictures.</summary>
    public float[] Features(string name) => [.. Pictures[name].SelectMany(picture => Floats("vision." + picture))];

    public RopePositions Positions(string name) => RopePositions.For(
        Array.ConvertAll(Longs("ids." + name), id => (int)id),
        [.. Pictures[name].Select(Grid).Select(grid => new PatchGrid((int)grid[0], (int)grid[1], (int)grid[2]))],
        Config);

    public void Dispose() => _tensors.Dispose();
}


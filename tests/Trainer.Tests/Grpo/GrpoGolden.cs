using System.Text.Json;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Grpo;

/// <summary>Numbers of the reference implementation: tests/Golden/grpo.</summary>
internal static class GrpoGolden
{
    public const double Tolerance = 1e-10;

    private static readonly JsonElement Root = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("grpo/grpo.json"))).RootElement;

    public static JsonElement At(string key) => Root.GetProperty(key);

    public static double[] Numbers(this JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetDouble())];

    public static double[][] Table(this JsonElement list) => [.. list.EnumerateArray().Select(Numbers)];

    public static Tensor Matrix(string key) => tensor(At(key).Table().SelectMany(row => row).ToArray()).view(12, 7);

    /// <summary>[12, 7] 1 for the tokens that count.</summary>
    public static Tensor Mask()
    {
        var lengths = At("lengths").Numbers();
        return tensor(lengths.SelectMany(length => Enumerable.Range(0, 7).Select(t => t < length ? 1.0 : 0.0)).ToArray()).view(12, 7);
    }
}

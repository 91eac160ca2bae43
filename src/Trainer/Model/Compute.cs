using System.Text.Json;
using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

/// <summary>Where and in what a model computes: one argument for model, optimizer, rows and samplers.</summary>
/// <param name="Device">Where weights, activations and moments are.</param>
/// <param name="Products">The type of the products of forward and backward passes, attention included; sums, norms and the residual stream are float32.</param>
public sealed record Compute(Device Device, ScalarType Products)
{
    /// <summary>On the processor in float32, as the exported model computes.</summary>
    public static Compute Exact { get; } = new(CPU, float32);

    /// <summary>The type of the weights. What is trained of them in bfloat16 has a float32 copy in the optimizer.</summary>
    public ScalarType Weights { get; init; } = float32;

    /// <summary>The type of Muon's products.</summary>
    public ScalarType Orthogonalization { get; init; } = float32;

    /// <summary>The device of a name.</summary>
    /// <param name="name"><c>cpu</c>, <c>cuda</c> or <c>cuda:0</c>.</param>
    /// <exception cref="UsageException">It is another name, or this build or machine has no such device.</exception>
    public static Device FindDevice(string name)
    {
        if (name == "cpu") return CPU;
        var index = 0;
        if (name != "cuda" && !(name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name["cuda:".Length..], out index) && index >= 0))
            throw new UsageException($"A device is cpu, cuda or cuda:<number>, not '{name}'.");
        if (!HasCuda())
            throw new UsageException($"There is no device '{name}': this build's TorchSharp is for the processor alone, or no GPU is found. Use cpu.");
        if (index >= cuda.device_count()) throw new UsageException($"There is no device '{name}': {cuda.device_count()} GPUs are found, counted from cuda:0.");
        return device(DeviceType.CUDA, index);
    }

    private static bool HasCuda()
    {
        try
        {
            return cuda.is_available();
        }
        catch (NotSupportedException)
        {
            return false;   // the package for GPUs is not there
        }
    }
}

/// <summary>What products are computed in. In a configuration <c>"bfloat16": "auto"</c>, <c>true</c> or <c>false</c>.</summary>
public enum ComputeType
{
    /// <summary>The faster of the two on this machine, measured when a run starts.</summary>
    Auto,

    /// <summary>float32.</summary>
    Float32,

    /// <summary>bfloat16; sums, norms and weights stay float32.</summary>
    Bfloat16,
}

/// <summary>The types of a run: part of its checkpoint, as a run goes on to the bit only in the types that it began in.</summary>
/// <param name="Products">As <see cref="Compute.Products"/>.</param>
/// <param name="Orthogonalization">As <see cref="Compute.Orthogonalization"/>.</param>
public sealed record ComputeTypes(ComputeType Products, ComputeType Orthogonalization)
{
    /// <summary>The types on a device.</summary>
    /// <param name="device">Where.</param>
    /// <param name="bfloat16Weights">Whether weights are bfloat16 too.</param>
    public Compute On(Device device, bool bfloat16Weights)
        => new(device, Scalar(Products)) { Orthogonalization = Scalar(Orthogonalization), Weights = bfloat16Weights ? bfloat16 : float32 };

    public override string ToString() => Products == Orthogonalization
        ? $"products and orthogonalization in {Name(Products)}"
        : $"products in {Name(Products)}, orthogonalization in {Name(Orthogonalization)}";

    private static ScalarType Scalar(ComputeType type) => type switch
    {
        ComputeType.Float32 => float32,
        ComputeType.Bfloat16 => bfloat16,
        _ => throw new ArgumentException($"expected a type that has been chosen, found {type}", nameof(type)),
    };

    private static string Name(ComputeType type) => JsonNamingPolicy.SnakeCaseLower.ConvertName(type.ToString());
}

/// <summary>Reads and writes the member <c>bfloat16</c>, which is a switch with a third position.</summary>
internal sealed class Bfloat16Switch : JsonConverter<ComputeType>
{
    public override ComputeType Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.True => ComputeType.Bfloat16,
        JsonTokenType.False => ComputeType.Float32,
        JsonTokenType.String when reader.ValueTextEquals("auto") => ComputeType.Auto,
        _ => throw new JsonException("'bfloat16' is true, false or \"auto\"."),
    };

    public override void Write(Utf8JsonWriter writer, ComputeType value, JsonSerializerOptions options)
    {
        if (value == ComputeType.Auto) writer.WriteStringValue("auto");
        else writer.WriteBooleanValue(value == ComputeType.Bfloat16);
    }
}

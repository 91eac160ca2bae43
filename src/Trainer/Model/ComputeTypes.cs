using System.Text.Json;
using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

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
/// <param name="Products">Of the products of forward and backward passes, attention included; the sampler's too.</param>
/// <param name="Orthogonalization">Of Muon's products.</param>
public sealed record ComputeTypes(ComputeType Products, ComputeType Orthogonalization)
{
    public override string ToString() => Products == Orthogonalization
        ? $"products and orthogonalization in {Name(Products)}"
        : $"products in {Name(Products)}, orthogonalization in {Name(Orthogonalization)}";

    /// <summary>The library's name of a type.</summary>
    /// <exception cref="ArgumentException">Not chosen yet.</exception>
    internal static ScalarType Scalar(ComputeType type) => type switch
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

namespace Vlm.Export.Options;

/// <summary>How the weights of a package are stored.</summary>
internal enum Precision
{
    /// <summary>float32 throughout.</summary>
    Fp32,

    /// <summary>float16 weights, inputs, outputs and KV cache; norms, rotation and the tower's softmax stay in float32.</summary>
    Fp16,

    /// <summary>8-bit blocks, float32 activations.</summary>
    Int8,

    /// <summary>4-bit blocks, float32 activations.</summary>
    Int4,
}

/// <summary>What a person decides about an export.</summary>
/// <param name="Precision">Storage of the weights.</param>
/// <param name="BlockSize">Weights sharing a scale, for int8 and int4: a power of two from 16 to 256. Larger blocks are smaller and less exact.</param>
/// <param name="AllLogits">Whether a large vocabulary's logits are given for every position of a prompt, not only for the last.</param>
internal sealed record ExportOptions(Precision Precision, int BlockSize = 32, bool AllLogits = false)
{
    /// <inheritdoc cref="Vlm.Package.PromptTemplate.LeansOnWords"/>
    public bool LeansOnWords { get; init; }

    public static readonly IReadOnlyList<string> PrecisionNames = [.. Enum.GetNames<Precision>().Select(name => name.ToLowerInvariant())];

    /// <summary>The packing of quantised weights; none for floating point.</summary>
    public Quantization? Quantization => Precision switch
    {
        Precision.Int8 => new Quantization(8, BlockSize),
        Precision.Int4 => new Quantization(4, BlockSize),
        _ => null,
    };

    public string PrecisionName => PrecisionNames[(int)Precision];

    /// <exception cref="ExportException">Not one of <see cref="PrecisionNames"/>.</exception>
    public static Precision ParsePrecision(string name) => TryParsePrecision(name, out var precision)
        ? precision
        : throw new ExportException($"Precision '{name}' is not known; expected one of {string.Join(", ", PrecisionNames)}.");

    /// <summary>Reads one of <see cref="PrecisionNames"/>.</summary>
    public static bool TryParsePrecision(string name, out Precision precision)
    {
        precision = default;
        return PrecisionNames.Contains(name) && Enum.TryParse(name, ignoreCase: true, out precision);
    }
}

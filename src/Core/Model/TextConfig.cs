namespace Vlm.Model;

/// <summary>The text decoder's sizes: <c>text_config</c> of <c>config.json</c>, or its top level in the public files.</summary>
public sealed record TextConfig
{
    /// <summary>Rows of the embedding; may exceed the tokenizer's ids.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of a token's embedding.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width inside the MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of layers.</summary>
    public required int NumLayers { get; init; }

    /// <summary>Query heads.</summary>
    public required int NumHeads { get; init; }

    /// <summary>Key and value heads, shared by groups of query heads.</summary>
    public required int NumKeyValueHeads { get; init; }

    /// <summary>Width of one head: as given, else HiddenSize / NumHeads.</summary>
    public int HeadDim
    {
        get => field > 0 ? field : HiddenSize / NumHeads;
        init;
    }

    /// <summary>Epsilon of every RMSNorm.</summary>
    public double RmsNormEps { get; init; } = 1e-6;

    /// <summary>Base of the rotary embedding.</summary>
    public double RopeTheta { get; init; } = 1_000_000;

    /// <summary>[3] how many of the HeadDim / 2 frequencies turn by time, by row and by column, in this order.</summary>
    public required int[] MropeSection { get; init; }

    /// <summary>Greatest number of tokens.</summary>
    public required int MaxPositions { get; init; }

    internal void Check(List<string> problems)
    {
        (string Name, int Value)[] sizes = [
            ("vocab_size", VocabSize), ("hidden_size", HiddenSize), ("intermediate_size", IntermediateSize), ("num_hidden_layers", NumLayers),
            ("num_attention_heads", NumHeads), ("num_key_value_heads", NumKeyValueHeads), ("max_position_embeddings", MaxPositions)];
        foreach ((string name, int value) in sizes.Where(size => size.Value < 1))
            problems.Add($"{name} is {value}; it must be at least 1");
        if (problems.Count > 0)
            return;
        if (NumHeads % NumKeyValueHeads != 0)
            problems.Add($"num_attention_heads {NumHeads} must be a multiple of num_key_value_heads {NumKeyValueHeads}");
        if (HeadDim < 2 || HeadDim % 2 != 0)
            problems.Add($"the width of a head is {HeadDim} (hidden_size {HiddenSize}, {NumHeads} heads); it must be even");
        if (MropeSection.Length != 3 || MropeSection.Any(part => part < 0) || MropeSection.Sum() != HeadDim / 2)
            problems.Add($"mrope_section [{string.Join(", ", MropeSection)}] must be three numbers that add up to half a head, {HeadDim / 2}");
        if (!(RmsNormEps > 0) || !(RopeTheta > 0))
            problems.Add($"rms_norm_eps {RmsNormEps} and rope_theta {RopeTheta} must be above 0");
    }
}

/// <summary>The head that training teaches to look at the pair it reads, so that attention can be shown: the first of one layer.</summary>
public static class PointerHead
{
    /// <summary>The decoder graph's extra output: that head's rotated query. With the layer's keys a caller can redo its attention.</summary>
    public const string QueryOutput = "pointer_query";

    /// <summary>The layer it is in: the third, or a smaller decoder's last.</summary>
    /// <param name="layers">Layers of the decoder, at least 1.</param>
    public static int Layer(int layers) => Math.Min(2, layers - 1);
}

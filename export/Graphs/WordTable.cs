using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Model;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Graphs;

/// <summary>How the embedding of words is stored.</summary>
internal enum WordStorage
{
    /// <summary>In the float type of the package: small tables, which cost nothing.</summary>
    Float,

    /// <summary>As the quantised bytes of the head, which lie in the decoder's file already: half a gigabyte to a gigabyte less for a public model.</summary>
    SharedWithHead,

    /// <summary>In float16: large tables of quantised packages whose head is another matrix or whose rows are not whole blocks.</summary>
    Half,
}

/// <summary>The table that words are looked up in.</summary>
internal static class WordTable
{
    private const string Name = "model.embed_tokens.weight";

    /// <summary>Decides: only large vocabularies of quantised packages are stored otherwise than in float.</summary>
    public static WordStorage Storage(VlmConfig config, ExportOptions options) => options.Quantization switch
    {
        null => WordStorage.Float,
        _ when config.Text.VocabSize <= TextGraph.PrunedAbove => WordStorage.Float,
        { } packing when config.TieWordEmbeddings && config.Text.HiddenSize % packing.BlockSize == 0 => WordStorage.SharedWithHead,
        _ => WordStorage.Half,
    };

    /// <summary>Rows of the table, in the float type of the package.</summary>
    /// <param name="weights">The weights of the graph.</param>
    /// <param name="ids">[B, S]</param>
    /// <param name="config">The model.</param>
    /// <param name="options">The package.</param>
    /// <param name="head">Where the decoder's file has its tensors.</param>
    public static Value LookUp(GraphWeights weights, Value ids, VlmConfig config, ExportOptions options, IReadOnlyDictionary<string, DataPlace> head)
    {
        switch (Storage(config, options))
        {
            case WordStorage.SharedWithHead:
                return Shared(weights.Graph, ids, config.Text, options.Quantization!.Value, head);
            case WordStorage.Half:
                return weights.Graph.Cast(weights.Graph.Gather(weights.HalfTable(Name), ids), weights.FloatType);
            default:
                return weights.Graph.Gather(weights.Table(Name), ids);
        }
    }

    /// <summary>The codes of <c>MatMulNBits</c> [V, blocks, bytes] are those of <c>GatherBlockQuantized</c> [V, K x bits / 8], byte for byte.</summary>
    private static Value Shared(OnnxGraph graph, Value ids, TextConfig text, Quantization packing, IReadOnlyDictionary<string, DataPlace> head)
    {
        var (codes, scales) = (GraphWeights.CodesOf(Name), GraphWeights.ScalesOf(Name));
        var table = graph.Tensor(OnnxTensor.At(head[codes], codes, DataType.Uint8, text.VocabSize, packing.CodeBytes(text.HiddenSize)));
        var factors = graph.Tensor(OnnxTensor.At(head[scales], scales, DataType.Float, text.VocabSize, packing.Blocks(text.HiddenSize)));
        return graph.Node(
            "com.microsoft:GatherBlockQuantized",
            [table, ids, factors],
            NodeAttribute.Int("gather_axis", 0),
            NodeAttribute.Int("quantize_axis", 1),
            NodeAttribute.Int("block_size", packing.BlockSize),
            NodeAttribute.Int("bits", packing.Bits));
    }
}

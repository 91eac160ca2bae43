using System.Runtime.InteropServices;
using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Model;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Graphs;

/// <summary>Puts the checkpoint's weights into a graph, in the precision asked for. Nothing is read before the graph is written.</summary>
/// <remarks>
/// Two number formats meet in a graph: <em>wide</em> is always float32 (residual stream, norms, rotation), <em>narrow</em> is the format of
/// inputs, outputs and products: float16 in an fp16 package, float32 in all others, where both casts are nothing.
/// </remarks>
internal sealed class GraphWeights(OnnxGraph graph, CheckpointFolder checkpoint, ExportOptions options)
{
    public OnnxGraph Graph => graph;

    public DataType FloatType => options.Precision == Precision.Fp16 ? DataType.Float16 : DataType.Float;

    public Value Narrow(Value value) => FloatType == DataType.Float ? value : graph.Cast(value, FloatType);

    public Value Wide(Value value) => FloatType == DataType.Float ? value : graph.Cast(value, DataType.Float);

    /// <summary>x [.., K] times the transposed weights: [.., N]. Several weights are stacked along N, so that one product serves them all.</summary>
    public Value Linear(Value x, params string[] names)
    {
        var rows = new WeightRows(checkpoint, names);
        return options.Quantization is { } quantization ? Quantized(x, rows, quantization) : FloatLinear(x, names);
    }

    /// <summary>The same, never quantised.</summary>
    public Value FloatLinear(Value x, params string[] names)
    {
        var rows = new WeightRows(checkpoint, names);
        var matrix = new OnnxTensor(rows.Name, FloatType, [rows.Columns, rows.Count], stream => rows.WriteTransposed(stream, FloatType));
        return graph.MatMul(x, graph.Tensor(matrix));
    }

    /// <summary>RMSNorm of the first layer's input; later ones come with the residual sum before them.</summary>
    public Value FirstNorm(Value x, string name, float epsilon) => graph.Node(
        "SimplifiedLayerNormalization",
        [x, Vector(name)],
        NodeAttribute.Int("axis", -1),
        NodeAttribute.Float("epsilon", epsilon),
        NodeAttribute.Int("stash_type", 1));

    /// <summary>A norm's weights or biases, laid one after the other; wide.</summary>
    public Value Vector(params string[] names) => graph.Tensor(new OnnxTensor(
        string.Join('+', names),
        DataType.Float,
        [names.Sum(name => checkpoint.Info(name).Count)],
        stream =>
        {
            foreach (var name in names)
                stream.Write(MemoryMarshal.AsBytes<float>(checkpoint.ReadFloats(name)));
        }));

    /// <summary>A weight as it lies in the checkpoint [N, K]; narrow.</summary>
    public Value Table(string name)
    {
        var rows = new WeightRows(checkpoint, name);
        return graph.Tensor(new OnnxTensor(rows.Name, FloatType, [rows.Count, rows.Columns], stream => rows.Write(stream, FloatType)));
    }

    /// <summary>The same in float16, whatever the package.</summary>
    public Value HalfTable(string name)
    {
        var rows = new WeightRows(checkpoint, name);
        return graph.Tensor(new OnnxTensor(rows.Name, DataType.Float16, [rows.Count, rows.Columns], stream => rows.Write(stream, DataType.Float16)));
    }

    /// <summary>The tensor with the codes of a quantised weight.</summary>
    public static string CodesOf(string name) => name + ".codes";

    /// <summary>The tensor with its scales.</summary>
    public static string ScalesOf(string name) => name + ".scales";

    private Value Quantized(Value x, WeightRows rows, Quantization quantization)
    {
        var packed = new PackedRows(rows, quantization);
        var blocks = quantization.Blocks(rows.Columns);
        var blockBytes = quantization.BlockSize * quantization.Bits / 8;
        var codes = new OnnxTensor(CodesOf(rows.Name), DataType.Uint8, [rows.Count, blocks, blockBytes], packed.WriteCodes);
        var scales = new OnnxTensor(ScalesOf(rows.Name), DataType.Float, [rows.Count, blocks], packed.WriteScales);
        return graph.Node(
            "com.microsoft:MatMulNBits",
            [x, graph.Tensor(codes), graph.Tensor(scales)],
            NodeAttribute.Int("K", rows.Columns),
            NodeAttribute.Int("N", rows.Count),
            NodeAttribute.Int("bits", quantization.Bits),
            NodeAttribute.Int("block_size", quantization.BlockSize),
            // 4: activations are rounded to 8 bits too, block by block. Computing with unpacked float weights is 2 to 3 times slower.
            NodeAttribute.Int("accuracy_level", 4));
    }
}

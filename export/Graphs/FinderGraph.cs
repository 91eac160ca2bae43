using System.Runtime.InteropServices;
using Vlm.Export.Onnx;
using Vlm.Finding;
using Vlm.Model;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Graphs;

/// <summary>
/// The sheet finder as the trainer builds it, with its norms folded into the convolutions before them and weights of convolutions in int8, a scale for every
/// output channel: <c>frame</c> [B, 1, 144, 192] to <c>corners</c> [B, 4, 2] in shares of the sides, <c>peaks</c> [B, 4] (the highest share of a heatmap) and
/// <c>seen</c> [B, 5] (probabilities: a sheet is there, each corner can be seen).
/// </summary>
internal sealed class FinderGraph
{
    // What the trainer's norms add to a variance.
    private const float NormEpsilon = 1e-5f;

    private readonly OnnxGraph _graph = new("finder");
    private readonly SafeTensors _weights;

    private FinderGraph(SafeTensors weights) => _weights = weights;

    /// <summary>Builds the graph.</summary>
    /// <param name="weights">The finder's checkpoint.</param>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape.</exception>
    public static OnnxGraph Build(SafeTensors weights)
    {
        var finder = new FinderGraph(weights);
        finder.Build();
        return finder._graph;
    }

    private void Build()
    {
        var frame = _graph.Input("frame", DataType.Float, "batch", 1, FinderInput.Height, FinderInput.Width);
        var x2 = Stage("stage2", Stage("stage1", frame));
        var x3 = Stage("stage3", x2);
        var x4 = Stage("stage4", x3);
        var y3 = Block("join3", _graph.Add(Twice(Plain("lateral4", x4)), Plain("lateral3", x3)));
        var y2 = Block("join2", _graph.Add(Twice(y3), Plain("lateral2", x2)));
        const int Cells = FinderInput.MapWidth * FinderInput.MapHeight;
        var heat = _graph.Node("Softmax", [_graph.Reshape(Plain("heat", y2), 0, 4, Cells)], NodeAttribute.Int("axis", -1));
        _graph.Output("corners", _graph.MatMul(heat, Floats("places", FinderInput.MapPlaces(), Cells, 2)), DataType.Float, "batch", 4, 2);
        _graph.Output("peaks", _graph.Node("ReduceMax", [heat, _graph.Vector(2L)], NodeAttribute.Int("keepdims", 0)), DataType.Float, "batch", 4);

        var axes = _graph.Vector(2L, 3L);
        var pooled = _graph.Concat(1,
            _graph.Node("ReduceMean", [x4, axes], NodeAttribute.Int("keepdims", 0)), _graph.Node("ReduceMax", [x4, axes], NodeAttribute.Int("keepdims", 0)));
        var seen = Linear("seen2", _graph.Node("Relu", [Linear("seen1", pooled)]));
        _graph.Output("seen", _graph.Node("Sigmoid", [seen]), DataType.Float, "batch", 5);
    }

    private Value Stage(string name, Value x) => Block($"{name}.1", Block($"{name}.0", x, stride: 2));

    /// <summary>Convolution, norm, ReLU; the norm is an affine map of every channel and goes into the convolution.</summary>
    private Value Block(string name, Value x, int stride = 1)
    {
        var weight = Read($"{name}.conv.weight");
        var (gain, shift) = (Read($"{name}.norm.weight"), Read($"{name}.norm.bias"));
        var (mean, variance) = (Read($"{name}.norm.running_mean"), Read($"{name}.norm.running_var"));
        var inputs = weight.Length / gain.Length;
        var bias = new float[gain.Length];
        for (var channel = 0; channel < gain.Length; channel++)
        {
            var factor = gain[channel] / MathF.Sqrt(variance[channel] + NormEpsilon);
            bias[channel] = shift[channel] - (mean[channel] * factor);
            foreach (ref var value in weight.AsSpan(channel * inputs, inputs)) value *= factor;
        }

        return _graph.Node("Relu", [Convolution(name, x, weight, bias, stride)]);
    }

    private Value Plain(string name, Value x) => Convolution(name, x, Read($"{name}.weight"), Read($"{name}.bias"), 1);

    private Value Convolution(string name, Value x, float[] weight, float[] bias, int stride)
    {
        var shape = _weights.Info(_weights.Names.Contains($"{name}.weight") ? $"{name}.weight" : $"{name}.conv.weight").Shape;
        var side = shape[^1];
        return _graph.Node(
            "Conv", [x, Quantised(name, weight, shape), Floats($"{name}.bias", bias, bias.Length)],
            NodeAttribute.Ints("kernel_shape", side, side), NodeAttribute.Ints("strides", stride, stride),
            NodeAttribute.Ints("pads", side / 2, side / 2, side / 2, side / 2));
    }

    /// <summary>Symmetric int8 with one scale for an output channel.</summary>
    private Value Quantised(string name, float[] weight, long[] shape)
    {
        var inputs = weight.Length / (int)shape[0];
        var (codes, scales) = (new sbyte[weight.Length], new float[shape[0]]);
        for (var channel = 0; channel < scales.Length; channel++)
        {
            var row = weight.AsSpan(channel * inputs, inputs);
            var largest = 0f;
            foreach (var value in row) largest = MathF.Max(largest, MathF.Abs(value));
            scales[channel] = largest == 0 ? 1 : largest / sbyte.MaxValue;
            for (var i = 0; i < inputs; i++) codes[(channel * inputs) + i] = (sbyte)MathF.Round(row[i] / scales[channel]);
        }

        var stored = _graph.Tensor(new OnnxTensor($"{name}.codes", DataType.Int8, shape, stream => stream.Write(MemoryMarshal.AsBytes(codes.AsSpan()))));
        return _graph.Node("DequantizeLinear", [stored, Floats($"{name}.scales", scales, scales.Length)], NodeAttribute.Int("axis", 0));
    }

    private Value Linear(string name, Value x)
    {
        var shape = _weights.Info($"{name}.weight").Shape;
        return _graph.Node(
            "Gemm", [x, Floats($"{name}.weight", Read($"{name}.weight"), shape), Floats($"{name}.bias", Read($"{name}.bias"), shape[0])],
            NodeAttribute.Int("transB", 1));
    }

    private Value Twice(Value x) => _graph.Node(
        "Resize", [x, Value.None, _graph.Vector(1f, 1f, 2f, 2f)],
        NodeAttribute.Text("mode", "nearest"), NodeAttribute.Text("coordinate_transformation_mode", "asymmetric"), NodeAttribute.Text("nearest_mode", "floor"));

    private float[] Read(string name) => _weights.Names.Contains(name)
        ? _weights.ReadFloats(name)
        : throw new CheckpointException($"The finder's checkpoint has no tensor '{name}'. Give the folder that `finder` of the trainer wrote.");

    private Value Floats(string name, float[] values, params long[] shape) =>
        _graph.Tensor(new OnnxTensor(name, DataType.Float, shape, stream => stream.Write(MemoryMarshal.AsBytes(values.AsSpan()))));
}

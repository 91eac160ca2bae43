using System.Globalization;
using System.Runtime.InteropServices;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Onnx;

/// <summary>A value flowing through a graph: an input, a constant or the output of a node.</summary>
internal readonly record struct Value(string Name)
{
    /// <summary>Stands for an optional input that is left out.</summary>
    public static readonly Value None = new("");
}

/// <summary>One size of a tensor: a number, or a name when it is only known while running.</summary>
internal readonly record struct Dim(long Size, string? Name = null)
{
    public static implicit operator Dim(long size) => new(size);

    public static implicit operator Dim(string name) => new(0, name);
}

/// <summary>An attribute of a node.</summary>
internal readonly record struct NodeAttribute(AttributeProto Proto)
{
    public static NodeAttribute Int(string name, long value) => new(new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int });

    public static NodeAttribute Ints(string name, params ReadOnlySpan<long> values) =>
        new(new() { Name = name, Ints = { values.ToArray() }, Type = AttributeProto.Types.AttributeType.Ints });

    public static NodeAttribute Text(string name, string value) =>
        new(new() { Name = name, S = Google.Protobuf.ByteString.CopyFromUtf8(value), Type = AttributeProto.Types.AttributeType.String });

    public static NodeAttribute Float(string name, float value) => new(new() { Name = name, F = value, Type = AttributeProto.Types.AttributeType.Float });
}

/// <summary>Builds a graph node by node, in the order of computation.</summary>
/// <remarks>Equal constants are kept once. Not thread-safe.</remarks>
internal sealed class OnnxGraph(string name)
{
    public const int IrVersion = 10;
    public const int Opset = 21;

    private readonly GraphProto _graph = new() { Name = name };
    private readonly Dictionary<string, OnnxTensor> _tensors = [];
    private readonly Dictionary<string, Value> _constants = [];

    public string Name => _graph.Name;

    public IEnumerable<OnnxTensor> Tensors => _tensors.Values;

    public int NodeCount => _graph.Node.Count;

    public ModelProto ToModel() => new()
    {
        IrVersion = IrVersion,
        ProducerName = "vlm-export",
        OpsetImport = { new OperatorSetIdProto { Version = Opset }, new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 } },
        Graph = _graph.Clone(),
    };

    public Value Input(string name, DataType type, params ReadOnlySpan<Dim> shape)
    {
        _graph.Input.Add(Describe(name, type, shape));
        return new Value(name);
    }

    /// <summary>Makes a node's output an output of the graph, under the given name.</summary>
    public void Output(string name, Value value, DataType type, params ReadOnlySpan<Dim> shape)
    {
        if (!_graph.Node.Any(n => n.Output.Contains(value.Name)))
            throw new ArgumentException($"'{value.Name}' is not the output of a node, so it cannot become the graph output '{name}'.", nameof(value));
        foreach (var node in _graph.Node)
        {
            Rename(node.Input, value.Name, name);
            Rename(node.Output, value.Name, name);
        }

        _graph.Output.Add(Describe(name, type, shape));
    }

    /// <summary>
    /// A node with one output. Operators of ONNX Runtime's own domain are written <c>com.microsoft:Name</c>; inputs are in the operator's
    /// order, and <see cref="Value.None"/> leaves one out.
    /// </summary>
    public Value Node(string op, ReadOnlySpan<Value> inputs, params ReadOnlySpan<NodeAttribute> attributes) => Nodes(op, inputs, 1, attributes)[0];

    /// <summary>A node with several outputs.</summary>
    public Value[] Nodes(string op, ReadOnlySpan<Value> inputs, int outputs, params ReadOnlySpan<NodeAttribute> attributes)
    {
        var colon = op.IndexOf(':', StringComparison.Ordinal);
        var type = op[(colon + 1)..];
        var node = new NodeProto { Name = $"{type}_{_graph.Node.Count}", OpType = type, Domain = colon < 0 ? "" : op[..colon] };
        foreach (var input in inputs)
            node.Input.Add(input.Name);
        for (var i = 0; i < outputs; i++)
            node.Output.Add($"{node.Name}:{i}");
        foreach (var attribute in attributes)
            node.Attribute.Add(attribute.Proto);
        _graph.Node.Add(node);
        return [.. node.Output.Select(o => new Value(o))];
    }

    /// <summary>A constant whose bytes are produced when the file is written.</summary>
    public Value Tensor(OnnxTensor tensor)
    {
        _tensors.Add(tensor.Name, tensor);
        return new Value(tensor.Name);
    }

    /// <summary>A rank-0 integer. A constant of shape [1] would raise the rank of everything computed with it.</summary>
    public Value Scalar(long value) => Constant(DataType.Int64, [], [value]);

    public Value Scalar(float value) => Constant(DataType.Float, [], [value]);

    public Value Vector(params ReadOnlySpan<long> values) => Constant(DataType.Int64, [values.Length], values);

    public Value Vector(params ReadOnlySpan<float> values) => Constant(DataType.Float, [values.Length], values);

    public Value Add(Value a, Value b) => Node("Add", [a, b]);

    public Value Sub(Value a, Value b) => Node("Sub", [a, b]);

    public Value Mul(Value a, Value b) => Node("Mul", [a, b]);

    public Value Div(Value a, Value b) => Node("Div", [a, b]);

    public Value Mod(Value a, Value b) => Node("Mod", [a, b]);

    public Value MatMul(Value a, Value b) => Node("MatMul", [a, b]);

    public Value Gather(Value table, Value index, long axis = 0) => Node("Gather", [table, index], NodeAttribute.Int("axis", axis));

    public Value Cast(Value value, DataType type) => Node("Cast", [value], NodeAttribute.Int("to", (long)type));

    public Value Concat(long axis, params ReadOnlySpan<Value> values) => Node("Concat", values, NodeAttribute.Int("axis", axis));

    public Value Reshape(Value value, params ReadOnlySpan<long> shape) => Node("Reshape", [value, Vector(shape)]);

    public Value Unsqueeze(Value value, params ReadOnlySpan<long> axes) => Node("Unsqueeze", [value, Vector(axes)]);

    public Value Range(Value count) => Node("Range", [Scalar(0L), count, Scalar(1L)]);

    /// <summary>Cuts the last axis into pieces of the given sizes.</summary>
    public Value[] Split(Value value, params ReadOnlySpan<long> sizes) => Nodes("Split", [value, Vector(sizes)], sizes.Length, NodeAttribute.Int("axis", -1));

    private Value Constant<T>(DataType type, long[] shape, ReadOnlySpan<T> values)
        where T : unmanaged, IFormattable
    {
        var bytes = MemoryMarshal.AsBytes(values).ToArray();
        var key = $"{type}[{string.Join(',', shape)}]{Convert.ToHexString(bytes)}";
        if (_constants.TryGetValue(key, out var known)) return known;
        var name = string.Create(CultureInfo.InvariantCulture, $"constant_{_constants.Count}");
        return _constants[key] = Tensor(new OnnxTensor(name, type, shape, stream => stream.Write(bytes)));
    }

    private static void Rename(Google.Protobuf.Collections.RepeatedField<string> names, string from, string to)
    {
        for (var i = 0; i < names.Count; i++)
            if (names[i] == from) names[i] = to;
    }

    private static ValueInfoProto Describe(string name, DataType type, ReadOnlySpan<Dim> shape)
    {
        var sizes = new TensorShapeProto();
        foreach (var dim in shape)
        {
            sizes.Dim.Add(dim.Name is null
                ? new TensorShapeProto.Types.Dimension { DimValue = dim.Size }
                : new TensorShapeProto.Types.Dimension { DimParam = dim.Name });
        }
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = sizes } } };
    }
}


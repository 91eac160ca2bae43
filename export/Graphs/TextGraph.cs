using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Model;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Graphs;

/// <summary>Embeddings and KV cache to logits and the longer KV cache: the text decoder.</summary>
/// <remarks>
/// Written for few nodes, since at a small model's size a node costs more than its arithmetic: q, k, v and gate, up are one product each,
/// q and k are rotated in one go (the same angles hold for every head), a residual sum and the norm after it are one operator.
/// Rows of a batch are padded on the right: <c>GroupQueryAttention</c> counts a row's tokens from the left.
/// </remarks>
internal sealed class TextGraph
{
    /// <summary>Larger vocabularies give only the last position's logits, unless all are asked for: 150,000 words are 0.6 MB a token.</summary>
    public const int PrunedAbove = 8192;

    private readonly OnnxGraph _graph = new("text");
    private readonly TextConfig _config;
    private readonly ExportOptions _options;
    private readonly GraphWeights _weights;
    private readonly string _head;

    private TextGraph(VlmConfig config, CheckpointFolder checkpoint, ExportOptions options)
    {
        _config = config.Text;
        _options = options;
        _weights = new GraphWeights(_graph, checkpoint, options);
        _head = config.TieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
    }

    public static OnnxGraph Build(VlmConfig config, CheckpointFolder checkpoint, ExportOptions options) => new TextGraph(config, checkpoint, options).Build();

    private OnnxGraph Build()
    {
        var embeds = _graph.Input("inputs_embeds", _weights.FloatType, "batch_size", "sequence_length", _config.HiddenSize);
        var lengths = Lengths(_graph.Input("attention_mask", DataType.Int64, "batch_size", "total_sequence_length"));
        var rotation = Rotation(_graph.Input("position_ids", DataType.Int64, 3, "batch_size", "sequence_length"));
        var x = _weights.Wide(embeds);
        var y = _weights.FirstNorm(x, NormBefore(0), (float)_config.RmsNormEps);
        for (var layer = 0; layer < _config.NumLayers; layer++)
        {
            (y, x) = AddAndNorm(x, Attention(layer, y, rotation, lengths), $"model.layers.{layer}.post_attention_layernorm.weight");
            (y, x) = AddAndNorm(x, Mlp($"model.layers.{layer}.mlp", y), NormBefore(layer + 1));
        }

        Logits(y);
        return _graph;
    }

    /// <summary>What the attention operator wants to know: the last index of each row [B] and the length of the longest (a scalar).</summary>
    private (Value Last, Value Total) Lengths(Value mask)
    {
        var sums = _graph.Node("ReduceSum", [mask, _graph.Vector(1L)], NodeAttribute.Int("keepdims", 0));
        var total = _graph.Gather(_graph.Node("Shape", [mask]), _graph.Scalar(1L));
        return (_graph.Cast(_graph.Sub(sums, _graph.Scalar(1L)), DataType.Int32), _graph.Cast(total, DataType.Int32));
    }

    /// <summary>
    /// Cosine and sine of every position's angles [B x S, h/2], once for all layers, and the row of them that each token uses [B, S].
    /// Each frequency belongs to one of the three position planes (time, row, column), in the order of the config's sections.
    /// </summary>
    private Value[] Rotation(Value positions)
    {
        var half = _config.HeadDim / 2;
        long[] planes = [.. _config.MropeSection.SelectMany((count, plane) => Enumerable.Repeat((long)plane, count))];
        var byFrequency = _graph.Reshape(_graph.Gather(positions, _graph.Vector(planes)), half, -1);
        var turned = _graph.Cast(_graph.Node("Transpose", [byFrequency]), DataType.Float);
        var angles = _graph.Mul(turned, _graph.Vector([.. Enumerable.Range(0, half).Select(Frequency)]));
        var shape = _graph.Node("Shape", [positions], NodeAttribute.Int("start", 1));
        var count = _graph.Node("ReduceProd", [shape], NodeAttribute.Int("keepdims", 0));
        var rows = _graph.Node("Reshape", [_graph.Range(count), shape]);
        return [rows, _graph.Node("Cos", [angles]), _graph.Node("Sin", [angles])];
    }

    private float Frequency(int index) => 1f / MathF.Pow((float)_config.RopeTheta, 2f * index / _config.HeadDim);

    private Value Attention(int layer, Value y, Value[] rotation, (Value Last, Value Total) lengths)
    {
        var (queries, keys) = (_config.NumHeads * _config.HeadDim, _config.NumKeyValueHeads * _config.HeadDim);
        string[] names = [.. "qkv".Select(part => $"model.layers.{layer}.self_attn.{part}_proj")];
        var product = _weights.Linear(_weights.Narrow(y), [.. names.Select(n => n + ".weight")]);
        var qkv = _graph.Add(_weights.Wide(product), _weights.Vector([.. names.Select(n => n + ".bias")]));
        var parts = _graph.Split(qkv, queries + keys, keys);
        var turned = _graph.Node(
            "com.microsoft:RotaryEmbedding", [parts[0], .. rotation], NodeAttribute.Int("num_heads", _config.NumHeads + _config.NumKeyValueHeads));
        var qk = _graph.Split(_weights.Narrow(turned), queries, keys);
        var output = _graph.Nodes(
            "com.microsoft:GroupQueryAttention",
            [qk[0], qk[1], _weights.Narrow(parts[1]), Past(layer, "key"), Past(layer, "value"), lengths.Last, lengths.Total],
            3,
            NodeAttribute.Int("num_heads", _config.NumHeads),
            NodeAttribute.Int("kv_num_heads", _config.NumKeyValueHeads),
            NodeAttribute.Int("do_rotary", 0),
            NodeAttribute.Float("scale", 1 / MathF.Sqrt(_config.HeadDim)));
        Present(layer, "key", output[1]);
        Present(layer, "value", output[2]);
        if (layer == PointerHead.Layer(_config.NumLayers)) PointerQuery(turned);
        return _weights.Wide(_weights.Linear(output[0], $"model.layers.{layer}.self_attn.o_proj.weight"));
    }

    private Value Past(int layer, string part) => _graph.Input(
        $"past_key_values.{layer}.{part}", _weights.FloatType, "batch_size", _config.NumKeyValueHeads, "past_sequence_length", _config.HeadDim);

    private void Present(int layer, string part, Value value) => _graph.Output(
        $"present.{layer}.{part}", value, _weights.FloatType, "batch_size", _config.NumKeyValueHeads, "total_sequence_length", _config.HeadDim);

    /// <inheritdoc cref="PointerHead.QueryOutput"/>
    private void PointerQuery(Value turned)
    {
        var query = _graph.Node("Slice", [turned, _graph.Vector(0L), _graph.Vector((long)_config.HeadDim), _graph.Vector(-1L)]);
        _graph.Output(PointerHead.QueryOutput, query, DataType.Float, "batch_size", "sequence_length", _config.HeadDim);
    }

    private Value Mlp(string name, Value y)
    {
        var packed = _weights.Linear(_weights.Narrow(y), $"{name}.gate_proj.weight", $"{name}.up_proj.weight");
        var both = _graph.Split(packed, _config.IntermediateSize, _config.IntermediateSize);
        var inner = _graph.Mul(_graph.Node("com.microsoft:QuickGelu", [both[0]], NodeAttribute.Float("alpha", 1)), both[1]);
        return _weights.Wide(_weights.Linear(inner, $"{name}.down_proj.weight"));
    }

    /// <summary>Adds a branch to the residual stream; returns the norm of the sum, and the sum.</summary>
    private (Value Norm, Value Sum) AddAndNorm(Value x, Value branch, string norm)
    {
        var outputs = _graph.Nodes(
            "com.microsoft:SkipSimplifiedLayerNormalization",
            [x, branch, _weights.Vector(norm)],
            4,
            NodeAttribute.Float("epsilon", (float)_config.RmsNormEps));
        return (outputs[0], outputs[3]);
    }

    private string NormBefore(int layer) => layer < _config.NumLayers ? $"model.layers.{layer}.input_layernorm.weight" : "model.norm.weight";

    private void Logits(Value y)
    {
        var pruned = _config.VocabSize > PrunedAbove && !_options.AllLogits;
        var rows = pruned ? _graph.Node("Slice", [y, _graph.Vector(-1L), _graph.Vector(long.MaxValue), _graph.Vector(1L)]) : y;
        Dim positions = pruned ? 1 : "sequence_length";
        _graph.Output("logits", _weights.Linear(_weights.Narrow(rows), _head), _weights.FloatType, "batch_size", positions, _config.VocabSize);
    }
}


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

    private readonly OnnxGraph graph = new("text");
    private readonly TextConfig config;
    private readonly ExportOptions options;
    private readonly GraphWeights weights;
    private readonly string head;

    private TextGraph(VlmConfig config, CheckpointFolder checkpoint, ExportOptions options)
    {
        this.config = config.Text;
        this.options = options;
        weights = new GraphWeights(graph, checkpoint, options);
        head = config.TieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
    }

    public static OnnxGraph Build(VlmConfig config, CheckpointFolder checkpoint, ExportOptions options) => new TextGraph(config, checkpoint, options).Build();

    private OnnxGraph Build()
    {
        var embeds = graph.Input("inputs_embeds", weights.FloatType, "batch_size", "sequence_length", config.HiddenSize);
        var lengths = Lengths(graph.Input("attention_mask", DataType.Int64, "batch_size", "total_sequence_length"));
        var rotation = Rotation(graph.Input("position_ids", DataType.Int64, 3, "batch_size", "sequence_length"));
        var x = weights.Wide(embeds);
        var y = weights.FirstNorm(x, NormBefore(0), (float)config.RmsNormEps);
        for (var layer = 0; layer < config.NumLayers; layer++)
        {
            (y, x) = AddAndNorm(x, Attention(layer, y, rotation, lengths), $"model.layers.{layer}.post_attention_layernorm.weight");
            (y, x) = AddAndNorm(x, Mlp($"model.layers.{layer}.mlp", y), NormBefore(layer + 1));
        }

        Logits(y);
        return graph;
    }

    /// <summary>What the attention operator wants to know: the last index of each row [B] and the length of the longest (a scalar).</summary>
    private (Value Last, Value Total) Lengths(Value mask)
    {
        var sums = graph.Node("ReduceSum", [mask, graph.Vector(1L)], NodeAttribute.Int("keepdims", 0));
        var total = graph.Gather(graph.Node("Shape", [mask]), graph.Scalar(1L));
        return (graph.Cast(graph.Sub(sums, graph.Scalar(1L)), DataType.Int32), graph.Cast(total, DataType.Int32));
    }

    /// <summary>
    /// Cosine and sine of every position's angles [B x S, h/2], once for all layers, and the row of them that each token uses [B, S].
    /// Each frequency belongs to one of the three position planes (time, row, column), in the order of the config's sections.
    /// </summary>
    private Value[] Rotation(Value positions)
    {
        var half = config.HeadDim / 2;
        long[] planes = [.. config.MropeSection.SelectMany((count, plane) => Enumerable.Repeat((long)plane, count))];
        var byFrequency = graph.Reshape(graph.Gather(positions, graph.Vector(planes)), half, -1);
        var turned = graph.Cast(graph.Node("Transpose", [byFrequency]), DataType.Float);
        var angles = graph.Mul(turned, graph.Vector([.. Enumerable.Range(0, half).Select(Frequency)]));
        var shape = graph.Node("Shape", [positions], NodeAttribute.Int("start", 1));
        var count = graph.Node("ReduceProd", [shape], NodeAttribute.Int("keepdims", 0));
        var rows = graph.Node("Reshape", [graph.Range(count), shape]);
        return [rows, graph.Node("Cos", [angles]), graph.Node("Sin", [angles])];
    }

    private float Frequency(int index) => 1f / MathF.Pow((float)config.RopeTheta, 2f * index / config.HeadDim);

    private Value Attention(int layer, Value y, Value[] rotation, (Value Last, Value Total) lengths)
    {
        var (queries, keys) = (config.NumHeads * config.HeadDim, config.NumKeyValueHeads * config.HeadDim);
        string[] names = [.. "qkv".Select(part => $"model.layers.{layer}.self_attn.{part}_proj")];
        var product = weights.Linear(weights.Narrow(y), [.. names.Select(n => n + ".weight")]);
        var qkv = graph.Add(weights.Wide(product), weights.Vector([.. names.Select(n => n + ".bias")]));
        var parts = graph.Split(qkv, queries + keys, keys);
        var turned = graph.Node(
            "com.microsoft:RotaryEmbedding", [parts[0], .. rotation], NodeAttribute.Int("num_heads", config.NumHeads + config.NumKeyValueHeads));
        var qk = graph.Split(weights.Narrow(turned), queries, keys);
        var output = graph.Nodes(
            "com.microsoft:GroupQueryAttention",
            [qk[0], qk[1], weights.Narrow(parts[1]), Past(layer, "key"), Past(layer, "value"), lengths.Last, lengths.Total],
            3,
            NodeAttribute.Int("num_heads", config.NumHeads),
            NodeAttribute.Int("kv_num_heads", config.NumKeyValueHeads),
            NodeAttribute.Int("do_rotary", 0),
            NodeAttribute.Float("scale", 1 / MathF.Sqrt(config.HeadDim)));
        Present(layer, "key", output[1]);
        Present(layer, "value", output[2]);
        if (layer == PointerHead.Layer(config.NumLayers))
            PointerQuery(turned);
        return weights.Wide(weights.Linear(output[0], $"model.layers.{layer}.self_attn.o_proj.weight"));
    }

    private Value Past(int layer, string part) => graph.Input(
        $"past_key_values.{layer}.{part}", weights.FloatType, "batch_size", config.NumKeyValueHeads, "past_sequence_length", config.HeadDim);

    private void Present(int layer, string part, Value value) => graph.Output(
        $"present.{layer}.{part}", value, weights.FloatType, "batch_size", config.NumKeyValueHeads, "total_sequence_length", config.HeadDim);

    /// <inheritdoc cref="PointerHead.QueryOutput"/>
    private void PointerQuery(Value turned)
    {
        var query = graph.Node("Slice", [turned, graph.Vector(0L), graph.Vector((long)config.HeadDim), graph.Vector(-1L)]);
        graph.Output(PointerHead.QueryOutput, query, DataType.Float, "batch_size", "sequence_length", config.HeadDim);
    }

    private Value Mlp(string name, Value y)
    {
        var packed = weights.Linear(weights.Narrow(y), $"{name}.gate_proj.weight", $"{name}.up_proj.weight");
        var both = graph.Split(packed, config.IntermediateSize, config.IntermediateSize);
        var inner = graph.Mul(graph.Node("com.microsoft:QuickGelu", [both[0]], NodeAttribute.Float("alpha", 1)), both[1]);
        return weights.Wide(weights.Linear(inner, $"{name}.down_proj.weight"));
    }

    /// <summary>Adds a branch to the residual stream; returns the norm of the sum, and the sum.</summary>
    private (Value Norm, Value Sum) AddAndNorm(Value x, Value branch, string norm)
    {
        var outputs = graph.Nodes(
            "com.microsoft:SkipSimplifiedLayerNormalization",
            [x, branch, weights.Vector(norm)],
            4,
            NodeAttribute.Float("epsilon", (float)config.RmsNormEps));
        return (outputs[0], outputs[3]);
    }

    private string NormBefore(int layer) => layer < config.NumLayers ? $"model.layers.{layer}.input_layernorm.weight" : "model.norm.weight";

    private void Logits(Value y)
    {
        var pruned = config.VocabSize > PrunedAbove && !options.AllLogits;
        var rows = pruned ? graph.Node("Slice", [y, graph.Vector(-1L), graph.Vector(long.MaxValue), graph.Vector(1L)]) : y;
        Dim positions = pruned ? 1 : "sequence_length";
        graph.Output("logits", weights.Linear(weights.Narrow(rows), head), weights.FloatType, "batch_size", positions, config.VocabSize);
    }
}

using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Model;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Graphs;

/// <summary>Patches of any number of pictures of any sizes to picture features: the vision tower and its merger.</summary>
/// <remarks>
/// Windows are a mask over all pairs of patches instead of a reordering, so the features come out in reading order. The price is N x N scores
/// a head also in window layers. Biases of the two residual branches ride on the operator that adds them up.
/// </remarks>
internal sealed class VisionGraph
{
    private readonly OnnxGraph graph = new("vision");
    private readonly VisionConfig config;
    private readonly GraphWeights weights;

    private VisionGraph(VlmConfig config, CheckpointFolder checkpoint, ExportOptions options)
    {
        this.config = config.Vision;
        weights = new GraphWeights(graph, checkpoint, options);
    }

    public static OnnxGraph Build(VlmConfig config, CheckpointFolder checkpoint, ExportOptions options) => new VisionGraph(config, checkpoint, options).Build();

    private OnnxGraph Build()
    {
        var patch = config.InChannels * config.TemporalPatchSize * config.PatchSize * config.PatchSize;
        var pixels = graph.Input("pixel_values", weights.FloatType, "num_patches", patch);
        var places = PatchPlaces.Of(graph, pixels, graph.Input("image_grid_thw", DataType.Int64, "num_images", 3), config);
        var rotation = Rotation(places);
        var full = config.FullAttentionBlocks.Length > 0 ? Bias(places.Frame) : Value.None;
        var window = config.FullAttentionBlocks.Length < config.Depth ? Bias(places.Window) : Value.None;

        var x = graph.Unsqueeze(weights.Wide(weights.FloatLinear(pixels, "visual.patch_embed.proj.weight")), 0); // [1, N, E]
        var y = weights.FirstNorm(x, NormBefore(0), (float)VisionConfig.NormEps);
        for (var block = 0; block < config.Depth; block++)
        {
            var name = $"visual.blocks.{block}";
            var bias = config.FullAttentionBlocks.Contains(block) ? full : window;
            (y, x) = AddAndNorm(x, Attention(name, y, rotation, bias), $"{name}.attn.proj.bias", $"{name}.norm2.weight");
            (y, x) = AddAndNorm(x, Mlp($"{name}.mlp", y), $"{name}.mlp.down_proj.bias", NormBefore(block + 1));
        }

        graph.Output("image_features", Merger(y), weights.FloatType, "num_image_tokens", config.OutHiddenSize);
        return graph;
    }

    /// <summary>Row of the angle table per patch [1, N], and cosine and sine [N, h/2]: the first half turns by row, the second by column.</summary>
    private Value[] Rotation(PatchPlaces places)
    {
        var quarter = config.HeadDim / 4;
        var frequencies = graph.Vector([.. Enumerable.Range(0, quarter).Select(j => 1f / MathF.Pow((float)VisionConfig.RopeTheta, (float)j / quarter))]);
        var angles = graph.Concat(-1, [.. new[] { places.Row, places.Column }.Select(place =>
            graph.Mul(graph.Unsqueeze(graph.Cast(place, DataType.Float), 1), frequencies))]);
        return [graph.Unsqueeze(places.Patch, 0), graph.Node("Cos", [angles]), graph.Node("Sin", [angles])];
    }

    /// <summary>[1, 1, N, N]: 0 between patches with the same number, else so little that the softmax gives nothing.</summary>
    private Value Bias(Value number)
    {
        var same = graph.Node("Equal", [graph.Unsqueeze(number, 1), graph.Unsqueeze(number, 0)]);
        return graph.Unsqueeze(graph.Node("Where", [same, graph.Scalar(0f), graph.Scalar(-1e9f)]), 0, 1);
    }

    private Value Attention(string name, Value y, Value[] rotation, Value bias)
    {
        var width = config.HiddenSize;
        var qkv = graph.Add(weights.Wide(weights.Linear(weights.Narrow(y), $"{name}.attn.qkv.weight")), weights.Vector($"{name}.attn.qkv.bias"));
        var parts = graph.Split(qkv, 2 * width, width);
        var turned = graph.Node("com.microsoft:RotaryEmbedding", [parts[0], .. rotation], NodeAttribute.Int("num_heads", 2 * config.NumHeads));
        var qk = graph.Split(turned, width, width);
        var output = graph.Node(
            "com.microsoft:MultiHeadAttention",
            [qk[0], qk[1], parts[1], Value.None, Value.None, bias],
            NodeAttribute.Int("num_heads", config.NumHeads),
            NodeAttribute.Float("scale", 1 / MathF.Sqrt(config.HeadDim)));
        return weights.Wide(weights.Linear(weights.Narrow(output), $"{name}.attn.proj.weight"));
    }

    private Value Mlp(string name, Value y)
    {
        var packed = weights.Linear(weights.Narrow(y), $"{name}.gate_proj.weight", $"{name}.up_proj.weight");
        var biased = graph.Add(packed, weights.Narrow(weights.Vector($"{name}.gate_proj.bias", $"{name}.up_proj.bias")));
        var both = graph.Split(biased, config.IntermediateSize, config.IntermediateSize);
        var inner = graph.Mul(graph.Node("com.microsoft:QuickGelu", [both[0]], NodeAttribute.Float("alpha", 1)), both[1]);
        return weights.Wide(weights.Linear(inner, $"{name}.down_proj.weight"));
    }

    /// <summary>Adds a branch and its bias to the residual stream; returns the norm of the sum, and the sum.</summary>
    private (Value Norm, Value Sum) AddAndNorm(Value x, Value branch, string bias, string norm)
    {
        var outputs = graph.Nodes(
            "com.microsoft:SkipSimplifiedLayerNormalization",
            [x, branch, weights.Vector(norm), weights.Vector(bias)],
            4,
            NodeAttribute.Float("epsilon", (float)VisionConfig.NormEps));
        return (outputs[0], outputs[3]);
    }

    /// <summary>A block of patches becomes one feature; patches of a block lie beside each other.</summary>
    private Value Merger(Value y)
    {
        var blocks = graph.Reshape(weights.Narrow(y), -1, (long)config.HiddenSize * config.SpatialMergeSize * config.SpatialMergeSize);
        var inner = graph.Add(weights.Linear(blocks, "visual.merger.mlp.0.weight"), weights.Narrow(weights.Vector("visual.merger.mlp.0.bias")));
        var outer = weights.Linear(graph.Node("Gelu", [inner]), "visual.merger.mlp.2.weight");
        return graph.Add(outer, weights.Narrow(weights.Vector("visual.merger.mlp.2.bias")));
    }

    private string NormBefore(int block) => block < config.Depth ? $"visual.blocks.{block}.norm1.weight" : "visual.merger.ln_q.weight";
}

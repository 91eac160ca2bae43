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
    private readonly OnnxGraph _graph = new("vision");
    private readonly VisionConfig _config;
    private readonly GraphWeights _weights;

    private VisionGraph(VlmConfig config, CheckpointFolder checkpoint, ExportOptions options)
    {
        _config = config.Vision;
        _weights = new GraphWeights(_graph, checkpoint, options);
    }

    public static OnnxGraph Build(VlmConfig config, CheckpointFolder checkpoint, ExportOptions options) => new VisionGraph(config, checkpoint, options).Build();

    private OnnxGraph Build()
    {
        var patch = _config.InChannels * _config.TemporalPatchSize * _config.PatchSize * _config.PatchSize;
        var pixels = _graph.Input("pixel_values", _weights.FloatType, "num_patches", patch);
        var places = PatchPlaces.Of(_graph, pixels, _graph.Input("image_grid_thw", DataType.Int64, "num_images", 3), _config);
        var rotation = Rotation(places);
        var full = _config.FullAttentionBlocks.Length > 0 ? Bias(places.Frame) : Value.None;
        var window = _config.FullAttentionBlocks.Length < _config.Depth ? Bias(places.Window) : Value.None;

        var x = _graph.Unsqueeze(_weights.Wide(_weights.FloatLinear(pixels, "visual.patch_embed.proj.weight")), 0); // [1, N, E]
        var y = _weights.FirstNorm(x, NormBefore(0), (float)VisionConfig.NormEps);
        for (var block = 0; block < _config.Depth; block++)
        {
            var name = $"visual.blocks.{block}";
            var bias = _config.FullAttentionBlocks.Contains(block) ? full : window;
            (y, x) = AddAndNorm(x, Attention(name, y, rotation, bias), $"{name}.attn.proj.bias", $"{name}.norm2.weight");
            (y, x) = AddAndNorm(x, Mlp($"{name}.mlp", y), $"{name}.mlp.down_proj.bias", NormBefore(block + 1));
        }

        _graph.Output("image_features", Merger(y), _weights.FloatType, "num_image_tokens", _config.OutHiddenSize);
        return _graph;
    }

    /// <summary>Row of the angle table per patch [1, N], and cosine and sine [N, h/2]: the first half turns by row, the second by column.</summary>
    private Value[] Rotation(PatchPlaces places)
    {
        var quarter = _config.HeadDim / 4;
        var frequencies = _graph.Vector([.. Enumerable.Range(0, quarter).Select(j => 1f / MathF.Pow((float)VisionConfig.RopeTheta, (float)j / quarter))]);
        var angles = _graph.Concat(-1, [.. new[] { places.Row, places.Column }.Select(place =>
            _graph.Mul(_graph.Unsqueeze(_graph.Cast(place, DataType.Float), 1), frequencies))]);
        return [_graph.Unsqueeze(places.Patch, 0), _graph.Node("Cos", [angles]), _graph.Node("Sin", [angles])];
    }

    /// <summary>[1, 1, N, N]: 0 between patches with the same number, else so little that the softmax gives nothing.</summary>
    private Value Bias(Value number)
    {
        var same = _graph.Node("Equal", [_graph.Unsqueeze(number, 1), _graph.Unsqueeze(number, 0)]);
        return _graph.Unsqueeze(_graph.Node("Where", [same, _graph.Scalar(0f), _graph.Scalar(-1e9f)]), 0, 1);
    }

    private Value Attention(string name, Value y, Value[] rotation, Value bias)
    {
        var width = _config.HiddenSize;
        var qkv = _graph.Add(_weights.Wide(_weights.Linear(_weights.Narrow(y), $"{name}.attn.qkv.weight")), _weights.Vector($"{name}.attn.qkv.bias"));
        var parts = _graph.Split(qkv, 2 * width, width);
        var turned = _graph.Node("com.microsoft:RotaryEmbedding", [parts[0], .. rotation], NodeAttribute.Int("num_heads", 2 * _config.NumHeads));
        var qk = _graph.Split(turned, width, width);
        var output = _graph.Node(
            "com.microsoft:MultiHeadAttention",
            [qk[0], qk[1], parts[1], Value.None, Value.None, bias],
            NodeAttribute.Int("num_heads", _config.NumHeads),
            NodeAttribute.Float("scale", 1 / MathF.Sqrt(_config.HeadDim)));
        return _weights.Wide(_weights.Linear(_weights.Narrow(output), $"{name}.attn.proj.weight"));
    }

    private Value Mlp(string name, Value y)
    {
        var packed = _weights.Linear(_weights.Narrow(y), $"{name}.gate_proj.weight", $"{name}.up_proj.weight");
        var biased = _graph.Add(packed, _weights.Narrow(_weights.Vector($"{name}.gate_proj.bias", $"{name}.up_proj.bias")));
        var both = _graph.Split(biased, _config.IntermediateSize, _config.IntermediateSize);
        var inner = _graph.Mul(_graph.Node("com.microsoft:QuickGelu", [both[0]], NodeAttribute.Float("alpha", 1)), both[1]);
        return _weights.Wide(_weights.Linear(inner, $"{name}.down_proj.weight"));
    }

    /// <summary>Adds a branch and its bias to the residual stream; returns the norm of the sum, and the sum.</summary>
    private (Value Norm, Value Sum) AddAndNorm(Value x, Value branch, string bias, string norm)
    {
        var outputs = _graph.Nodes(
            "com.microsoft:SkipSimplifiedLayerNormalization",
            [x, branch, _weights.Vector(norm), _weights.Vector(bias)],
            4,
            NodeAttribute.Float("epsilon", (float)VisionConfig.NormEps));
        return (outputs[0], outputs[3]);
    }

    /// <summary>A block of patches becomes one feature; patches of a block lie beside each other.</summary>
    private Value Merger(Value y)
    {
        var blocks = _graph.Reshape(_weights.Narrow(y), -1, (long)_config.HiddenSize * _config.SpatialMergeSize * _config.SpatialMergeSize);
        var inner = _graph.Add(_weights.Linear(blocks, "visual.merger.mlp.0.weight"), _weights.Narrow(_weights.Vector("visual.merger.mlp.0.bias")));
        var outer = _weights.Linear(_graph.Node("Gelu", [inner]), "visual.merger.mlp.2.weight");
        return _graph.Add(outer, _weights.Narrow(_weights.Vector("visual.merger.mlp.2.bias")));
    }

    private string NormBefore(int block) => block < _config.Depth ? $"visual.blocks.{block}.norm1.weight" : "visual.merger.ln_q.weight";
}


using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Model;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Graphs;

/// <summary>Token ids and picture features to the decoder's input: the k-th image token of a prompt takes the k-th row of features.</summary>
/// <remarks>
/// Runs for the prompt and for every generated token. An image token beyond the features given (a model may generate one) keeps its word
/// embedding instead of failing.
/// </remarks>
internal static class EmbeddingGraph
{
    /// <param name="config">The model.</param>
    /// <param name="checkpoint">Its weights.</param>
    /// <param name="options">The package.</param>
    /// <param name="head">Where the decoder's file, which is written before, has its large tensors.</param>
    public static OnnxGraph Build(VlmConfig config, CheckpointFolder checkpoint, ExportOptions options, IReadOnlyDictionary<string, DataPlace> head)
    {
        var graph = new OnnxGraph("embedding");
        var weights = new GraphWeights(graph, checkpoint, options);
        var width = config.Text.HiddenSize;
        var ids = graph.Input("input_ids", DataType.Int64, "batch_size", "sequence_length");
        var features = graph.Input("image_features", weights.FloatType, "num_image_tokens", width);

        var words = WordTable.LookUp(weights, ids, config, options, head);
        var isImage = graph.Node("Equal", [ids, graph.Scalar((long)config.ImageTokenId)]);
        var count = CountUpTo(graph, isImage, ids);
        var rows = graph.Gather(graph.Node("Shape", [features]), graph.Scalar(0L));
        var isGiven = graph.Node("And", [isImage, graph.Node("LessOrEqual", [count, rows])]);
        // Row 0 is a filler that no position keeps: the gather below needs a valid row everywhere, also when there are no features.
        var table = graph.Concat(0, weights.Narrow(graph.Tensor(ZeroRow(width))), features);
        var picked = graph.Gather(table, graph.Mul(count, graph.Cast(isGiven, DataType.Int64)));
        var embeds = graph.Node("Where", [graph.Unsqueeze(isGiven, -1), picked, words]);
        graph.Output("inputs_embeds", embeds, weights.FloatType, "batch_size", "sequence_length", width);
        return graph;
    }

    /// <summary>The number of each image token, from 1, counted through the whole batch in reading order.</summary>
    private static Value CountUpTo(OnnxGraph graph, Value isImage, Value ids)
    {
        var flat = graph.Reshape(graph.Cast(isImage, DataType.Int64), -1);
        var running = graph.Node("CumSum", [flat, graph.Scalar(0L)]);
        return graph.Node("Reshape", [running, graph.Node("Shape", [ids])]);
    }

    private static OnnxTensor ZeroRow(int width) => new("zero_row", DataType.Float, [1, width], stream => stream.Write(new byte[width * sizeof(float)]));
}

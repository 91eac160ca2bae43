using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Vlm.Export.Onnx;

namespace Vlm.Export.Check;

/// <summary>Signatures and operators of the three graphs.</summary>
internal static class GraphChecks
{
    private static readonly string[] Files = ["vision.onnx", "embedding.onnx", "text.onnx"];

    private const int LastOpset = 21;
    private const int LastIr = 10;

    /// <summary>Operators outside the ONNX standard that ONNX Runtime 1.26 has; standard ones up to <see cref="LastOpset"/> it has all.</summary>
    private static readonly string[] KnownExtensions =
    [
        "GroupQueryAttention", "MultiHeadAttention", "RotaryEmbedding", "SkipSimplifiedLayerNormalization", "MatMulNBits", "QuickGelu", "BiasGelu",
        "FusedMatMul", "GatherBlockQuantized",
    ];

    public static IEnumerable<CheckRow> Signatures(PlainSessions sessions)
    {
        var config = sessions.Config;
        yield return Vision(sessions, config);
        yield return Embedding(sessions, config);
        yield return Decoder(sessions, config);
        yield return Cache(sessions, config);
        yield return Types(sessions);
    }

    public static IEnumerable<CheckRow> Operators(string folder) =>
        Files.Select(file => Operators(file, OnnxFile.Read(Path.Combine(folder, file))));

    private static CheckRow Vision(PlainSessions sessions, CheckedConfig config)
    {
        var problems = new List<string>();
        Expect(problems, sessions.Vision.InputMetadata, "pixel_values", null, -1, -2);
        Expect(problems, sessions.Vision.InputMetadata, "image_grid_thw", TensorElementType.Int64, -1, 3);
        Expect(problems, sessions.Vision.OutputMetadata, "image_features", null, -1, config.HiddenSize);
        var found = Describe(sessions.Vision, "image_features");
        return CheckRow.Of("vision.onnx", "pixel_values [Np, C], image_grid_thw [n, 3] -> image_features [N, H]", problems, found);
    }

    private static CheckRow Embedding(PlainSessions sessions, CheckedConfig config)
    {
        var problems = new List<string>();
        Expect(problems, sessions.Embedding.InputMetadata, "input_ids", TensorElementType.Int64, -1, -1);
        Expect(problems, sessions.Embedding.InputMetadata, "image_features", null, -1, config.HiddenSize);
        Expect(problems, sessions.Embedding.OutputMetadata, "inputs_embeds", null, -1, -1, config.HiddenSize);
        var found = Describe(sessions.Embedding, "inputs_embeds");
        return CheckRow.Of("embedding.onnx", "input_ids [B, S], image_features [N, H] -> inputs_embeds [B, S, H]", problems, found);
    }

    private static CheckRow Decoder(PlainSessions sessions, CheckedConfig config)
    {
        var problems = new List<string>();
        Expect(problems, sessions.Text.InputMetadata, "inputs_embeds", null, -1, -1, config.HiddenSize);
        Expect(problems, sessions.Text.InputMetadata, "attention_mask", TensorElementType.Int64, -1, -1);
        Expect(problems, sessions.Text.InputMetadata, "position_ids", TensorElementType.Int64, 3, -1, -1);
        Expect(problems, sessions.Text.OutputMetadata, "logits", null, -1, -2, config.VocabSize);
        string[] known = ["inputs_embeds", "attention_mask", "position_ids", "input_ids"];
        var strangers = sessions.Text.InputMetadata.Keys.Where(name => !known.Contains(name) && !name.StartsWith("past_key_values.", StringComparison.Ordinal));
        problems.AddRange(strangers.Select(name => $"input '{name}' is never fed"));
        return CheckRow.Of("text.onnx", "inputs_embeds, attention_mask, position_ids [3, B, S] -> logits [.., V]", problems, Describe(sessions.Text, "logits"));
    }

    private static CheckRow Cache(PlainSessions sessions, CheckedConfig config)
    {
        var problems = new List<string>();
        if (sessions.Layers != config.Layers) problems.Add($"the graph has {sessions.Layers} layers, the config says {config.Layers}");
        var (heads, size) = (config.KeyValueHeads, HeadSize(sessions, config));
        foreach (var part in Enumerable.Range(0, sessions.Layers).SelectMany(layer => new[] { $"{layer}.key", $"{layer}.value" }))
        {
            Expect(problems, sessions.Text.InputMetadata, $"past_key_values.{part}", null, -1, heads, -1, size);
            Expect(problems, sessions.Text.OutputMetadata, $"present.{part}", null, -1, heads, -1, size);
        }

        var found = $"{sessions.Layers} layers, {heads} heads of {config.HeadSize}";
        return CheckRow.Of("text.onnx", "past and present keys and values of every layer, sizes as in the config", problems, found);
    }

    /// <summary>Where the graph leaves the head size open, GenAI takes the config's.</summary>
    private static int HeadSize(PlainSessions sessions, CheckedConfig config) =>
        sessions.Text.InputMetadata.TryGetValue("past_key_values.0.key", out var key) && key.Dimensions[^1] < 0 ? -1 : config.HeadSize;

    /// <summary>GenAI merges inputs of the three sessions by name, and hands tensors on without converting them.</summary>
    private static CheckRow Types(PlainSessions sessions)
    {
        var all = new[] { sessions.Vision, sessions.Embedding, sessions.Text }
            .SelectMany(session => session.InputMetadata.Concat(session.OutputMetadata.Where(output => output.Key is not "logits")));
        var problems = all.GroupBy(each => each.Key, each => each.Value.ElementDataType).Where(group => group.Distinct().Count() > 1)
            .Select(group => $"'{group.Key}' is {string.Join(" and ", group.Distinct())}").ToList();
        string[] chain = ["pixel_values", "image_features", "inputs_embeds", "past_key_values.0.key", "logits"];
        var types = chain.Select(name => Find(sessions, name)?.ElementDataType).OfType<TensorElementType>().Distinct().ToList();
        if (types.Count != 1) problems.Add($"float types along the way differ: {string.Join(", ", types)}");
        return CheckRow.Of("graphs", "one float type from pixels to logits; no name with two types", problems, $"{string.Join(", ", types)}");
    }

    private static CheckRow Operators(string file, ModelProto model)
    {
        var unknown = model.OpsetImport.Where(import => import is not ({ Domain: "", Version: <= LastOpset } or { Domain: "com.microsoft", Version: 1 }));
        List<string> problems = [.. unknown.Select(import => $"opset '{import.Domain}' {import.Version}")];
        if (model.IrVersion > LastIr) problems.Add($"IR {model.IrVersion}");
        var nodes = Nodes(model.Graph).ToList();
        problems.AddRange(nodes.Where(node => node.Domain == "com.microsoft" && !KnownExtensions.Contains(node.OpType)).Select(node => node.OpType).Distinct());
        var found = $"{nodes.Count} nodes, {nodes.Select(node => node.OpType).Distinct().Count()} operators";
        return CheckRow.Of(file, $"operators of ONNX Runtime 1.26, opset at most {LastOpset}, IR at most {LastIr}", problems, found);
    }

    private static IEnumerable<NodeProto> Nodes(GraphProto graph) =>
        graph.Node.SelectMany(node => node.Attribute.Where(attribute => attribute.G is not null).SelectMany(attribute => Nodes(attribute.G)).Prepend(node));

    /// <param name="problems">Gets what does not fit.</param>
    /// <param name="values">Inputs or outputs of a graph.</param>
    /// <param name="name">The one to look at.</param>
    /// <param name="type">Null: a float type.</param>
    /// <param name="shape">-1: a size that is open; -2: any.</param>
    private static void Expect(
        List<string> problems, IReadOnlyDictionary<string, NodeMetadata> values, string name, TensorElementType? type, params ReadOnlySpan<int> shape)
    {
        if (!values.TryGetValue(name, out var found))
        {
            problems.Add($"'{name}' is missing");
            return;
        }

        var isType = type is null ? found.ElementDataType is TensorElementType.Float or TensorElementType.Float16 : found.ElementDataType == type;
        var isShape = found.Dimensions.Length == shape.Length;
        for (var i = 0; isShape && i < shape.Length; i++)
            isShape = shape[i] == -2 || found.Dimensions[i] == shape[i];
        if (!isType || !isShape) problems.Add($"'{name}' is {found.ElementDataType} {Shape(found)}");
    }

    private static NodeMetadata? Find(PlainSessions sessions, string name) => new[] { sessions.Vision, sessions.Embedding, sessions.Text }
        .Select(session => session.InputMetadata.TryGetValue(name, out var value) || session.OutputMetadata.TryGetValue(name, out value) ? value : null)
        .FirstOrDefault(value => value is not null);

    private static string Describe(InferenceSession session, string output) =>
        session.OutputMetadata.TryGetValue(output, out var found) ? $"{output} {found.ElementDataType} {Shape(found)}" : $"no {output}";

    private static string Shape(NodeMetadata value) =>
        $"[{string.Join(", ", value.Dimensions.Select((size, i) => size >= 0 ? size.ToString(CultureInfo.InvariantCulture) : value.SymbolicDimensions[i]))}]";
}

using System.Runtime.InteropServices;
using Vlm.Export.Onnx;
using Vlm.Model;
using Vlm.Package;
using Vlm.Text;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Edge.Tests;

/// <summary>
/// A package that keeps the contract and says one reply, whatever it is asked, each token with the same probability: what surrounds a model can be
/// tested without one. It looks at one picture token for every letter.
/// </summary>
internal static class ScriptedPackage
{
    /// <summary>How far the scripted token's logit is above all others.</summary>
    public const double Margin = 9;

    /// <summary>Vocabulary of the small models.</summary>
    public const int Vocabulary = 304;

    /// <summary>The place in the prompt where it looks.</summary>
    public const int LookedAt = 20;

    /// <summary>The probability of every token of the reply.</summary>
    public static double Probability { get; } = Math.Exp(Margin) / (Math.Exp(Margin) + Vocabulary - 1);

    /// <summary>Writes the package; one that holds its replies to the layout decides their letters together.</summary>
    public static string Write(string folder, string reply, bool holdsLayout = false)
    {
        Directory.CreateDirectory(folder);
        SmallTokenizer.Write(folder);
        var tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        OnnxFile.Write(Vision(), Path.Combine(folder, "vision.onnx"));
        OnnxFile.Write(Embedding(), Path.Combine(folder, "embedding.onnx"));
        OnnxFile.Write(Text([.. tokenizer.Encode(reply), tokenizer.Id("<|im_end|>")]), Path.Combine(folder, "text.onnx"));
        (PromptTemplate.Small with { MappingLines = holdsLayout }).Save(Path.Combine(folder, "prompt.json"));
        File.WriteAllText(Path.Combine(folder, "genai_config.json"), Config(tokenizer));
        File.WriteAllText(Path.Combine(folder, "processor_config.json"), Processor);
        ModelFolder.Seal(folder, "fp32", new Provenance());
        return folder;
    }

    private static OnnxGraph Vision()
    {
        var graph = new OnnxGraph("vision");
        graph.Input("pixel_values", DataType.Float, "patches", 1176);
        var grid = graph.Input("image_grid_thw", DataType.Int64, "pictures", 3);
        var sizes = graph.Node("ReduceProd", [grid, graph.Vector(1L)], NodeAttribute.Int("keepdims", 0));
        var tokens = graph.Div(graph.Node("ReduceSum", [sizes, graph.Vector(0L)]), graph.Vector(4L));
        graph.Output("image_features", graph.Node("Expand", [graph.Scalar(0f), graph.Concat(0, tokens, graph.Vector(1L))]), DataType.Float, "tokens", 1);
        return graph;
    }

    private static OnnxGraph Embedding()
    {
        var graph = new OnnxGraph("embedding");
        var ids = graph.Input("input_ids", DataType.Int64, "batch", "length");
        graph.Input("image_features", DataType.Float, "tokens", 1);
        graph.Output("inputs_embeds", graph.Unsqueeze(graph.Cast(ids, DataType.Float), -1), DataType.Float, "batch", "length", 1);
        return graph;
    }

    /// <summary>The prompt leaves its length in the keys, so that every later step knows how far the script is.</summary>
    private static OnnxGraph Text(int[] script)
    {
        var graph = new OnnxGraph("text");
        var embeds = graph.Input("inputs_embeds", DataType.Float, "batch", "length", 1);
        var mask = graph.Input("attention_mask", DataType.Int64, "batch", "total");
        graph.Input("position_ids", DataType.Int64, 3, "batch", "length");
        var pastKey = graph.Input("past_key_values.0.key", DataType.Float, "batch", 1, "past", 1);
        var pastValue = graph.Input("past_key_values.0.value", DataType.Float, "batch", 1, "past", 1);

        var length = graph.Gather(graph.Node("Shape", [embeds]), graph.Scalar(1L));
        var isPrompt = graph.Node("Greater", [length, graph.Scalar(1L)]);
        var places = graph.Range(graph.Gather(graph.Node("Shape", [pastKey]), graph.Scalar(2L)));
        var look = graph.Mul(graph.Cast(graph.Node("Equal", [places, graph.Scalar((long)LookedAt)]), DataType.Float), graph.Scalar(5f));
        var prompt = graph.Add(graph.Unsqueeze(look, 0, 1, 3), graph.Cast(length, DataType.Float));
        var key = graph.Node("Where", [isPrompt, prompt, pastKey]);

        var promptLength = graph.Reshape(graph.Gather(graph.Node("Identity", [key]), graph.Scalar(0L), axis: 2), -1);
        var total = graph.Node("ReduceSum", [mask, graph.Vector(1L)], NodeAttribute.Int("keepdims", 0));
        var said = graph.Node("Min", [graph.Sub(total, graph.Cast(promptLength, DataType.Int64)), graph.Scalar(script.Length - 1L)]);
        graph.Output("logits", graph.Unsqueeze(graph.Gather(graph.Tensor(Table(script)), said), 1), DataType.Float, "batch", 1, Vocabulary);
        var query = graph.Node("Greater", [embeds, graph.Scalar(-1f)]);
        graph.Output(PointerHead.QueryOutput, graph.Cast(query, DataType.Float), DataType.Float, "batch", "length", 1);
        graph.Output("present.0.key", key, DataType.Float, "batch", 1, "past", 1);
        graph.Output("present.0.value", graph.Node("Identity", [pastValue]), DataType.Float, "batch", 1, "past", 1);
        return graph;
    }

    private static OnnxTensor Table(int[] script)
    {
        var logits = new float[script.Length * Vocabulary];
        for (var i = 0; i < script.Length; i++) logits[(i * Vocabulary) + script[i]] = (float)Margin;
        return new OnnxTensor("script", DataType.Float, [script.Length, Vocabulary], stream => stream.Write(MemoryMarshal.AsBytes(logits.AsSpan())));
    }

    private static string Config(Tokenizer tokenizer) => $$"""
        { "model": { "type": "qwen2_5_vl", "vocab_size": {{Vocabulary}}, "context_length": 1024,
            "eos_token_id": {{tokenizer.Id("<|im_end|>")}}, "image_token_id": {{tokenizer.Id("<|image_pad|>")}},
            "video_token_id": {{tokenizer.Id("<|video_pad|>")}},
            "decoder": { "hidden_size": 1, "num_key_value_heads": 1, "head_size": 1 }, "embedding": {}, "vision": {} },
          "search": { "max_length": 512, "past_present_share_buffer": true } }
        """;

    private const string Processor = """
        { "processor": { "transforms": [
          { "operation": { "type": "Resize", "attrs": { "smart_resize": 1, "min_pixels": 50176, "max_pixels": 50176 } } },
          { "operation": { "type": "Rescale", "attrs": { "rescale_factor": 0.00392156862745098 } } },
          { "operation": { "type": "Normalize", "attrs": { "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5] } } },
          { "operation": { "type": "PatchImage", "attrs": { "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2 } } } ] } }
        """;
}

using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Vlm.Package;

namespace Vlm.Engine.Ort;

/// <summary>Holds the graphs of a package against what its configuration says, so that a mismatch is one clear error on opening.</summary>
internal static class GraphContract
{
    /// <exception cref="ModelException">One message with every problem.</exception>
    public static void Check(PackageConfig config, InferenceSession vision, InferenceSession embedding, InferenceSession text)
    {
        var problems = new List<string>();
        Require(problems, config.Vision.File, "input", vision.InputMetadata, config.Vision.PixelValues, config.Vision.Grid);
        Require(problems, config.Vision.File, "output", vision.OutputMetadata, config.Vision.Features);
        Require(problems, config.Embedding.File, "input", embedding.InputMetadata, config.Embedding.InputIds, config.Embedding.Features);
        Require(problems, config.Embedding.File, "output", embedding.OutputMetadata, config.Embedding.Embeddings);
        Require(problems, config.Text.File, "input", text.InputMetadata, config.Text.Embeddings, config.Text.Mask, config.Text.Positions);
        Require(problems, config.Text.File, "output", text.OutputMetadata, config.Text.Logits);
        var layers = Layers(config, text);
        if (layers == 0) problems.Add($"{config.Text.File} has no input '{Layer(config.Text.PastKey, 0)}'");
        for (var layer = 0; layer < layers; layer++)
        {
            Require(problems, config.Text.File, "input", text.InputMetadata, Layer(config.Text.PastValue, layer));
            Require(problems, config.Text.File, "output", text.OutputMetadata, Layer(config.Text.PresentKey, layer), Layer(config.Text.PresentValue, layer));
        }
        if (problems.Count == 0) CheckTypes(problems, config, vision, embedding, text);
        if (problems.Count > 0) throw new ModelException($"The package '{config.Folder}' cannot be run: {string.Join("; ", problems)}. Export it again.");
    }

    /// <summary>How many layers' keys the graph takes.</summary>
    public static int Layers(PackageConfig config, InferenceSession text)
    {
        var layers = 0;
        while (text.InputMetadata.ContainsKey(Layer(config.Text.PastKey, layers))) layers++;
        return layers;
    }

    /// <summary>The name of a layer's tensor.</summary>
    public static string Layer(string pattern, int layer) => pattern.Replace("%d", layer.ToString(), StringComparison.Ordinal);

    private static void Require(List<string> problems, string file, string kind, IReadOnlyDictionary<string, NodeMetadata> graph, params string[] names)
    {
        foreach (var name in names.Where(name => !graph.ContainsKey(name))) problems.Add($"{file} has no {kind} '{name}'");
    }

    private static void CheckTypes(List<string> problems, PackageConfig config, InferenceSession vision, InferenceSession embedding, InferenceSession text)
    {
        var features = vision.OutputMetadata[config.Vision.Features].ElementDataType;
        var embedded = embedding.InputMetadata[config.Embedding.Features].ElementDataType;
        if (features != embedded) problems.Add($"the vision graph gives {features}, the embedding graph takes {embedded}");
        var given = embedding.OutputMetadata[config.Embedding.Embeddings].ElementDataType;
        var taken = text.InputMetadata[config.Text.Embeddings].ElementDataType;
        if (given != taken) problems.Add($"the embedding graph gives {given}, the decoder takes {taken}");
        var pixels = vision.InputMetadata[config.Vision.PixelValues].ElementDataType;
        var logits = text.OutputMetadata[config.Text.Logits];
        foreach (var type in new[] { pixels, features, given, logits.ElementDataType })
        {
            if (type is not (TensorElementType.Float or TensorElementType.Float16))
                problems.Add($"a tensor has type {type}; only float32 and float16 are supported");
        }
        if (logits.Dimensions[^1] > 0 && logits.Dimensions[^1] != config.VocabularySize)
            problems.Add($"a row of logits has {logits.Dimensions[^1]} numbers, vocab_size is {config.VocabularySize}");
    }
}

using Vlm.Model;
using Vlm.Text;

namespace Vlm.Package;

/// <summary>The vision graph and the names of its tensors.</summary>
public sealed record VisionGraphNames(string File, string PixelValues, string Grid, string Features);

/// <summary>The embedding graph and the names of its tensors.</summary>
public sealed record EmbeddingGraphNames(string File, string InputIds, string Features, string Embeddings);

/// <summary>The decoder's graph and the names of its tensors; <c>%d</c> stands for the layer.</summary>
public sealed record TextGraphNames(string File, string Embeddings, string Mask, string Positions, string Logits)
{
    /// <summary>Inputs and outputs of the key/value cache.</summary>
    public required string PastKey { get; init; }

    /// <inheritdoc cref="PastKey"/>
    public required string PastValue { get; init; }

    /// <inheritdoc cref="PastKey"/>
    public required string PresentKey { get; init; }

    /// <inheritdoc cref="PastKey"/>
    public required string PresentValue { get; init; }
}

/// <summary>What an engine needs of <c>genai_config.json</c>, the description that ONNX Runtime GenAI reads too.</summary>
public sealed record PackageConfig
{
    /// <summary>The name of the file in a package.</summary>
    public const string FileName = "genai_config.json";

    /// <summary>The folder of the package.</summary>
    public required string Folder { get; init; }

    /// <summary>Length of a row of logits.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Tokens that the model can look back on.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Tokens of prompt and reply together for which key/value memory is allocated; at most the context.</summary>
    public required int MaxLength { get; init; }

    /// <summary>Any of them ends a reply.</summary>
    public required int[] EosTokenIds { get; init; }

    /// <summary>The placeholders of pictures, and how many patches one stands for.</summary>
    public required PictureTokens Tokens { get; init; }

    /// <summary>Width of the decoder.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Key/value heads; used where the graph leaves the number open.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of a head; used where the graph leaves it open.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Where picture sizes and normalisation are described.</summary>
    public required string ProcessorFile { get; init; }

    /// <summary>The vision graph.</summary>
    public required VisionGraphNames Vision { get; init; }

    /// <summary>The embedding graph.</summary>
    public required EmbeddingGraphNames Embedding { get; init; }

    /// <summary>The decoder.</summary>
    public required TextGraphNames Text { get; init; }

    /// <summary>Reads a package's <c>genai_config.json</c>. Keys that only GenAI needs are left alone.</summary>
    /// <exception cref="ModelException">Missing, not JSON, or without a key that is needed; one message names every problem.</exception>
    public static PackageConfig Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            using var document = JsonFields.Open(path);
            var problems = new List<string>();
            var config = Read(folder, new JsonFields(document.RootElement, "", problems), problems);
            if (config is not null && problems.Count == 0) return config;
            throw new ModelException($"'{path}' cannot be used: {string.Join("; ", problems)}.");
        }
        catch (CheckpointException e)
        {
            throw new ModelException(e.Message, e);
        }
    }

    private static PackageConfig? Read(string folder, JsonFields root, List<string> problems)
    {
        var model = Section(root, "model", problems);
        var decoder = Section(model, "decoder", problems);
        var embedding = Section(model, "embedding", problems);
        var vision = Section(model, "vision", problems);
        if (model is null || decoder is null || embedding is null || vision is null) return null;
        model.MustBe("type", "qwen2_5_vl");
        var search = root.Section("search");
        search?.MustBe("past_present_share_buffer", true);
        var context = model.Int("context_length");
        var config = new PackageConfig
        {
            Folder = folder,
            VocabularySize = model.Int("vocab_size"),
            ContextLength = context,
            MaxLength = Math.Min(context, search?.Int("max_length", context) ?? context),
            EosTokenIds = model.Ints("eos_token_id"),
            Tokens = new PictureTokens(model.Int("image_token_id"), model.Int("video_token_id"), vision.Int("spatial_merge_size", 2)),
            HiddenSize = decoder.Int("hidden_size"),
            KeyValueHeads = decoder.Int("num_key_value_heads"),
            HeadSize = decoder.Int("head_size"),
            ProcessorFile = vision.Text("config_filename", "processor_config.json"),
            Vision = ReadVision(vision),
            Embedding = ReadEmbedding(embedding),
            Text = ReadText(decoder),
        };
        foreach (var (name, value) in new[] { ("vocab_size", config.VocabularySize), ("context_length", context), ("max_length", config.MaxLength) })
        {
            if (value < 2) problems.Add($"{name} is {value}; it must be at least 2");
        }
        if (config.Tokens.MergeSize < 1) problems.Add($"spatial_merge_size is {config.Tokens.MergeSize}; it must be at least 1");
        foreach (var file in new[] { config.Vision.File, config.Embedding.File, config.Text.File, config.ProcessorFile })
        {
            if (file.Length == 0 || file != Path.GetFileName(file)) problems.Add($"'{file}' is not the name of a file in the package's folder");
        }
        return config;
    }

    private static JsonFields? Section(JsonFields? parent, string name, List<string> problems)
    {
        var section = parent?.Section(name);
        if (parent is not null && section is null) problems.Add($"section '{name}' is missing");
        return section;
    }

    private static VisionGraphNames ReadVision(JsonFields vision)
    {
        var (inputs, outputs) = (vision.Section("inputs"), vision.Section("outputs"));
        return new VisionGraphNames(
            vision.Text("filename", "vision.onnx"),
            Name(inputs, "pixel_values"),
            Name(inputs, "image_grid_thw"),
            Name(outputs, "image_features"));
    }

    private static EmbeddingGraphNames ReadEmbedding(JsonFields embedding)
    {
        var (inputs, outputs) = (embedding.Section("inputs"), embedding.Section("outputs"));
        return new EmbeddingGraphNames(
            embedding.Text("filename", "embedding.onnx"),
            Name(inputs, "input_ids"),
            Name(inputs, "image_features"),
            Name(outputs, "inputs_embeds"));
    }

    private static TextGraphNames ReadText(JsonFields decoder)
    {
        var (inputs, outputs) = (decoder.Section("inputs"), decoder.Section("outputs"));
        return new TextGraphNames(
            decoder.Text("filename", "text.onnx"),
            Name(inputs, "inputs_embeds"),
            Name(inputs, "attention_mask"),
            Name(inputs, "position_ids"),
            Name(outputs, "logits"))
        {
            PastKey = Name(inputs, "past_key_names", "past_key_values.%d.key"),
            PastValue = Name(inputs, "past_value_names", "past_key_values.%d.value"),
            PresentKey = Name(outputs, "present_key_names", "present.%d.key"),
            PresentValue = Name(outputs, "present_value_names", "present.%d.value"),
        };
    }

    private static string Name(JsonFields? names, string key, string? fallback = null) => names?.Text(key, fallback ?? key) ?? fallback ?? key;
}

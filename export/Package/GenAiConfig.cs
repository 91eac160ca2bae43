using System.Text.Json;
using Vlm.Export.Options;
using Vlm.Model;

namespace Vlm.Export.Package;

/// <summary><c>genai_config.json</c>: what ONNX Runtime GenAI has to know about the three graphs.</summary>
internal static class GenAiConfig
{
    public const string FileName = "genai_config.json";

    /// <summary>The buffer of keys and values is allocated for this many tokens at once, so it is not the model's whole context.</summary>
    private const int DefaultMaxLength = 1024;

    private const int DefaultTopK = 50;

    /// <summary>Frames a second of film that one temporal position stands for. Pictures do not use it, but the reader wants it.</summary>
    private const double TokensPerSecond = 2;

    private static readonly (string Name, double Value)[] RealSearchOptions =
        [("temperature", 1), ("top_p", 1), ("repetition_penalty", 1), ("length_penalty", 1), ("diversity_penalty", 0)];

    public static void Write(string path, VlmConfig config, ExportOptions options) => PackageJson.Write(path, json =>
    {
        PackageJson.Object(json, "model", () =>
        {
            json.WriteString("type", "qwen2_5_vl");
            json.WriteNumber("vocab_size", config.Text.VocabSize);
            json.WriteNumber("context_length", config.Text.MaxPositions);
            WriteTokens(json, config);
            WriteDecoder(json, config.Text, options);
            WriteEmbedding(json, options);
            WriteVision(json, config.Vision, options);
        });
        WriteSearch(json, config.Text);
    });

    private static void WriteTokens(Utf8JsonWriter json, VlmConfig config)
    {
        json.WriteNumber("bos_token_id", config.BosTokenId);
        if (config.EosTokenIds.Length == 1)
            json.WriteNumber("eos_token_id", config.EosTokenIds[0]);
        else
            PackageJson.Array(json, "eos_token_id", () => Array.ForEach(config.EosTokenIds, json.WriteNumberValue));
        json.WriteNumber("pad_token_id", config.PadTokenId);
        json.WriteNumber("image_token_id", config.ImageTokenId);
        json.WriteNumber("video_token_id", config.VideoTokenId);
        json.WriteNumber("vision_start_token_id", config.VisionStartTokenId);
    }

    private static void WriteDecoder(Utf8JsonWriter json, TextConfig config, ExportOptions options) => PackageJson.Object(json, "decoder", () =>
    {
        json.WriteString("filename", "text.onnx");
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("num_attention_heads", config.NumHeads);
        json.WriteNumber("num_key_value_heads", config.NumKeyValueHeads);
        json.WriteNumber("num_hidden_layers", config.NumLayers);
        json.WriteNumber("head_size", config.HeadDim);
        WriteSession(json, options);
        WriteNames(json, "inputs", "inputs_embeds", "attention_mask", "position_ids");
        WriteNames(json, "outputs", "logits");
    });

    private static void WriteEmbedding(Utf8JsonWriter json, ExportOptions options) => PackageJson.Object(json, "embedding", () =>
    {
        json.WriteString("filename", "embedding.onnx");
        WriteSession(json, options);
        WriteNames(json, "inputs", "input_ids", "image_features");
        WriteNames(json, "outputs", "inputs_embeds");
    });

    private static void WriteVision(Utf8JsonWriter json, VisionConfig config, ExportOptions options) => PackageJson.Object(json, "vision", () =>
    {
        json.WriteString("filename", "vision.onnx");
        json.WriteString("config_filename", ProcessorConfig.FileName);
        json.WriteNumber("spatial_merge_size", config.SpatialMergeSize);
        json.WritePropertyName("tokens_per_second");
        json.WriteRawValue(PackageJson.Real(TokensPerSecond));
        json.WriteNumber("patch_size", config.PatchSize);
        json.WriteNumber("window_size", config.WindowSize);
        WriteSession(json, options);
        WriteNames(json, "inputs", "pixel_values", "image_grid_thw");
        WriteNames(json, "outputs", "image_features");
    });

    /// <summary>A float16 package is meant for CUDA; all others run on the CPU.</summary>
    private static void WriteSession(Utf8JsonWriter json, ExportOptions options) => PackageJson.Object(json, "session_options", () =>
    {
        json.WriteString("log_id", "onnxruntime-genai");
        json.WriteStartArray("provider_options");
        if (options.Precision == Precision.Fp16)
        {
            json.WriteStartObject();
            PackageJson.Object(json, "cuda", () =>
            {
                json.WriteString("enable_cuda_graph", "0");
                json.WriteString("enable_skip_layer_norm_strict_mode", "1");
            });
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void WriteNames(Utf8JsonWriter json, string side, params string[] names) => PackageJson.Object(json, side, () =>
    {
        foreach (var name in names)
            json.WriteString(name, name);
        if (names.Contains("attention_mask"))
        {
            json.WriteString("past_key_names", "past_key_values.%d.key");
            json.WriteString("past_value_names", "past_key_values.%d.value");
        }
        else if (names.Contains("logits"))
        {
            json.WriteString("present_key_names", "present.%d.key");
            json.WriteString("present_value_names", "present.%d.value");
        }
    });

    private static void WriteSearch(Utf8JsonWriter json, TextConfig config) => PackageJson.Object(json, "search", () =>
    {
        json.WriteBoolean("do_sample", false);
        json.WriteNumber("max_length", Math.Min(DefaultMaxLength, config.MaxPositions));
        json.WriteNumber("min_length", 0);
        json.WriteNumber("num_beams", 1);
        json.WriteNumber("num_return_sequences", 1);
        json.WriteBoolean("past_present_share_buffer", true);
        json.WriteNumber("top_k", Math.Min(DefaultTopK, config.VocabSize));
        json.WriteNumber("no_repeat_ngram_size", 0);
        foreach (var (name, value) in RealSearchOptions)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(PackageJson.Real(value));
        }

        json.WriteBoolean("early_stopping", true);
    });
}

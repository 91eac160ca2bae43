using System.Text;
using System.Text.Json;
using Vlm.Export.Package;

namespace Vlm.Export.Check;

/// <summary><c>genai_config.json</c>, whose reader is strict: an unknown key, an escape or a null ends it.</summary>
internal static class ConfigChecks
{
    private const string Section = GenAiConfig.FileName;

    private static readonly string[] SessionKeys = ["session_options", "run_options"];

    /// <summary>Keys that every version from 0.13.2 on knows, by the object they stand in. Session options are open: GenAI hands unknown ones on.</summary>
    private static readonly Dictionary<string, string[]> KnownKeys = new()
    {
        ["model"] =
        [
            "type", "vocab_size", "context_length", "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id",
            "image_token_id", "video_token_id", "vision_start_token_id", "decoder", "embedding", "vision",
        ],
        ["model.decoder"] =
        [
            "filename", "hidden_size", "num_attention_heads", "num_key_value_heads", "num_hidden_layers", "head_size", "inputs", "outputs", .. SessionKeys,
        ],
        ["model.decoder.inputs"] = ["inputs_embeds", "input_ids", "attention_mask", "position_ids", "past_key_names", "past_value_names"],
        ["model.decoder.outputs"] = ["logits", "present_key_names", "present_value_names"],
        ["model.embedding"] = ["filename", "inputs", "outputs", .. SessionKeys],
        ["model.embedding.inputs"] = ["input_ids", "image_features"],
        ["model.embedding.outputs"] = ["inputs_embeds"],
        ["model.vision"] =
        [
            "filename", "config_filename", "spatial_merge_size", "tokens_per_second", "patch_size", "window_size", "inputs", "outputs", .. SessionKeys,
        ],
        ["model.vision.inputs"] = ["pixel_values", "image_grid_thw"],
        ["model.vision.outputs"] = ["image_features"],
        ["search"] =
        [
            "do_sample", "max_length", "min_length", "num_beams", "num_return_sequences", "past_present_share_buffer", "temperature", "top_k", "top_p",
            "repetition_penalty", "no_repeat_ngram_size", "length_penalty", "diversity_penalty", "early_stopping", "batch_size", "chunk_size", "random_seed",
        ],
    };

    public static IEnumerable<CheckRow> Run(string folder, CheckedConfig config)
    {
        var bytes = File.ReadAllBytes(Path.Combine(folder, Section));
        using var document = CheckedConfig.Parse(bytes);
        var root = document.RootElement;
        var model = root.GetProperty("model");
        yield return Spelling(bytes);
        yield return CheckRow.Of(Section, "only keys that GenAI knows, no null", Keys(root), "all known");
        yield return CheckRow.Of(Section, "model type", Text(model, "type") == "qwen2_5_vl", Text(model, "type") ?? "none");
        yield return Files(folder, model);
        yield return CheckRow.Of(
            Section,
            "lengths: context above 0, max_length within it",
            config.ContextLength > 0 && (config.MaxLength ?? 0) <= config.ContextLength,
            $"context {config.ContextLength}, max_length {config.MaxLength?.ToString() ?? "not given"}");
        yield return CheckRow.Of(
            Section,
            "top_k within the vocabulary",
            (config.TopK ?? 0) <= config.VocabSize,
            $"top_k {config.TopK?.ToString() ?? "not given"}, vocabulary {config.VocabSize}");
        yield return Tokens(config);
        yield return CheckRow.Of(
            Section,
            "vision.inputs.image_grid_thw is named",
            Text(model.GetProperty("vision").GetProperty("inputs"), "image_grid_thw") == "image_grid_thw",
            Text(model.GetProperty("vision").GetProperty("inputs"), "image_grid_thw") ?? "not named: pictures of unequal size would share one run");
    }

    private static CheckRow Spelling(byte[] bytes)
    {
        var problems = new List<string>();
        if (CheckedConfig.HasMark(bytes)) problems.Add("byte order mark");
        if (Encoding.UTF8.GetString(bytes).Contains("\\u", StringComparison.Ordinal)) problems.Add("\\u escape");
        return CheckRow.Of(Section, "no byte order mark, no \\u escapes", problems, $"{bytes.Length} plain bytes");
    }

    private static List<string> Keys(JsonElement root)
    {
        var problems = new List<string>();
        foreach (var property in root.EnumerateObject().Where(property => property.Name is not ("model" or "search")))
            if (property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array) problems.Add($"'{property.Name}' at the root");
        foreach (var (path, known) in KnownKeys)
        {
            if (Find(root, path) is not { ValueKind: JsonValueKind.Object } part) continue;
            problems.AddRange(part.EnumerateObject().Where(p => !known.Contains(p.Name)).Select(p => $"'{path}.{p.Name}' is unknown"));
            problems.AddRange(part.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Null).Select(p => $"'{path}.{p.Name}' is null"));
        }

        return problems;
    }

    private static CheckRow Files(string folder, JsonElement model)
    {
        string[] keys = ["decoder.filename", "embedding.filename", "vision.filename", "vision.config_filename"];
        string?[] names = [.. keys.Select(key => Find(model, key) is { ValueKind: JsonValueKind.String } name ? name.GetString() : null)];
        var missing = names.Where(name => name is null || name != Path.GetFileName(name) || !File.Exists(Path.Combine(folder, name)));
        List<string> problems = [.. missing.Select(name => $"'{name}' is missing or not a file of the folder")];
        return CheckRow.Of(Section, "named files are in the folder", problems, string.Join(", ", names));
    }

    private static CheckRow Tokens(CheckedConfig config)
    {
        string[] needed = ["image_token_id", "video_token_id", "vision_start_token_id", "pad_token_id"];
        List<string> problems = [.. needed.Where(key => !config.Tokens.ContainsKey(key)).Select(key => $"'{key}' is not given")];
        var ids = needed.Where(config.Tokens.ContainsKey).Select(key => config.Tokens[key]).Concat(config.EosTokenIds).ToList();
        problems.AddRange(ids.Where(id => id < 0 || id >= config.VocabSize).Select(id => $"id {id} is outside the vocabulary of {config.VocabSize}"));
        problems.AddRange(ids.GroupBy(id => id).Where(group => group.Count() > 1).Select(group => $"id {group.Key} has {group.Count()} meanings"));
        return CheckRow.Of(Section, "image, video, vision start, pad and eos ids: given, distinct, in the vocabulary", problems, string.Join(", ", ids));
    }

    private static JsonElement? Find(JsonElement element, string path)
    {
        foreach (var name in path.Split('.'))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element)) return null;
        }

        return element;
    }

    private static string? Text(JsonElement element, string key) =>
        element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

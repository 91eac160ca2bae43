using System.Text.Json;
using Vlm.Export.Options;
using Vlm.Export.Package;

namespace Vlm.Export.Check;

/// <summary>What the other checks need of <c>genai_config.json</c>.</summary>
internal sealed record CheckedConfig
{
    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];

    public required int VocabSize { get; init; }

    public required int ContextLength { get; init; }

    public required int? MaxLength { get; init; }

    public required int? TopK { get; init; }

    public required int[] EosTokenIds { get; init; }

    /// <summary>Every other token id that the config names, by key.</summary>
    public required IReadOnlyDictionary<string, int> Tokens { get; init; }

    public required int HiddenSize { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int HeadSize { get; init; }

    public required int Layers { get; init; }

    public required int MergeSize { get; init; }

    public int ImageToken => Tokens["image_token_id"];

    public int VisionStartToken => Tokens["vision_start_token_id"];

    /// <exception cref="ExportException">Missing, not JSON, or without a number that everything else hangs on.</exception>
    public static CheckedConfig Load(string folder)
    {
        var path = Path.Combine(folder, GenAiConfig.FileName);
        if (!File.Exists(path)) throw new ExportException($"'{path}' is missing: '{folder}' is not a model package.");
        try
        {
            using var document = Parse(File.ReadAllBytes(path));
            return Read(document.RootElement.GetProperty("model"), document.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ExportException($"'{path}' is not a usable GenAI config: {e.Message}", e);
        }
    }

    /// <summary>Reads JSON also after a byte order mark, which GenAI's reader does not: that is for a check to say.</summary>
    public static JsonDocument Parse(byte[] bytes) => JsonDocument.Parse(bytes.AsMemory(HasMark(bytes) ? ByteOrderMark.Length : 0));

    /// <summary>Whether the bytes begin with UTF-8's byte order mark.</summary>
    public static bool HasMark(ReadOnlySpan<byte> bytes) => bytes.StartsWith(ByteOrderMark);

    private static CheckedConfig Read(JsonElement model, JsonElement root)
    {
        var decoder = model.GetProperty("decoder");
        var eos = model.GetProperty("eos_token_id");
        return new CheckedConfig
        {
            VocabSize = model.GetProperty("vocab_size").GetInt32(),
            ContextLength = model.GetProperty("context_length").GetInt32(),
            MaxLength = Search(root, "max_length"),
            TopK = Search(root, "top_k"),
            EosTokenIds = eos.ValueKind == JsonValueKind.Array ? [.. eos.EnumerateArray().Select(id => id.GetInt32())] : [eos.GetInt32()],
            Tokens = model.EnumerateObject().Where(each => each.Name.EndsWith("_token_id", StringComparison.Ordinal) && each.Name != "eos_token_id")
                .ToDictionary(each => each.Name, each => each.Value.GetInt32()),
            HiddenSize = decoder.GetProperty("hidden_size").GetInt32(),
            KeyValueHeads = decoder.GetProperty("num_key_value_heads").GetInt32(),
            HeadSize = decoder.GetProperty("head_size").GetInt32(),
            Layers = decoder.GetProperty("num_hidden_layers").GetInt32(),
            MergeSize = model.GetProperty("vision").GetProperty("spatial_merge_size").GetInt32(),
        };
    }

    private static int? Search(JsonElement root, string key) =>
        root.TryGetProperty("search", out var search) && search.TryGetProperty(key, out var value) ? value.GetInt32() : null;
}

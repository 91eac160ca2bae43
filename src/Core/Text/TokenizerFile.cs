using System.Text.Json;
using System.Text.RegularExpressions;
using Vlm.Model;

namespace Vlm.Text;

/// <summary>A token outside the merges, found in a text before anything else.</summary>
internal sealed record AddedToken(string Content, int Id, bool Special, bool Normalized);

/// <summary>What <c>tokenizer.json</c> says, checked to be a byte-level BPE like Qwen2's.</summary>
internal sealed record TokenizerFile(Dictionary<string, int> Vocabulary, List<string> Merges, List<AddedToken> Added, string Pattern, bool Normalizes)
{
    // Above any vocabulary; ids are places of an embedding.
    private const int MostIds = 1 << 24;

    /// <summary>Reads the file; anything that this program would do differently from its maker is refused.</summary>
    /// <exception cref="CheckpointException">Missing, not JSON or another kind of tokenizer.</exception>
    public static TokenizerFile Load(string path)
    {
        using JsonDocument document = JsonFields.Open(path);
        JsonElement root = document.RootElement;
        try
        {
            JsonElement model = root.GetProperty("model");
            Require(path, model.GetProperty("type").GetString() == "BPE", "'model.type' must be 'BPE'");
            foreach (string option in (string[])["byte_fallback", "ignore_merges"])
                Require(path, !IsTrue(model, option), $"'model.{option}' must be false");
            foreach (string affix in (string[])["unk_token", "continuing_subword_prefix", "end_of_word_suffix"])
                Require(path, !model.TryGetProperty(affix, out JsonElement text) || string.IsNullOrEmpty(text.GetString()), $"'model.{affix}' must be empty");
            return new TokenizerFile(
                model.GetProperty("vocab").EnumerateObject().ToDictionary(token => token.Name, token => Id(path, token.Value, token.Name)),
                [.. model.GetProperty("merges").EnumerateArray().Select(Merge)],
                ReadAdded(path, root),
                ReadPattern(path, root),
                Normalizes: ReadNormalizer(path, root));
        }
        catch (Exception error) when (
            error is KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException or IndexOutOfRangeException)
        {
            throw new CheckpointException($"{path} is not a byte-level BPE tokenizer as Qwen2 uses: {error.Message}", error);
        }
    }

    /// <summary>The expression as a .NET one; one that takes very long on some text fails instead of hanging.</summary>
    public Regex Expression() => new(Pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(10));

    private static void Require(string path, bool holds, string rule)
    {
        if (!holds)
            throw new CheckpointException($"{path}: {rule}; this is another kind of tokenizer than Qwen2's.");
    }

    private static bool IsTrue(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    private static string Merge(JsonElement merge) => merge.ValueKind == JsonValueKind.String
        ? merge.GetString()!
        : $"{merge[0].GetString()} {merge[1].GetString()}";

    private static int Id(string path, JsonElement id, string token)
    {
        int value = id.GetInt32();
        Require(path, value is >= 0 and < MostIds, $"the id of '{token}' must be 0 to {MostIds - 1}, found {value}");
        return value;
    }

    private static List<AddedToken> ReadAdded(string path, JsonElement root)
    {
        if (!root.TryGetProperty("added_tokens", out JsonElement list))
            return [];
        var added = new List<AddedToken>();
        foreach (JsonElement token in list.EnumerateArray())
        {
            string content = token.GetProperty("content").GetString() ?? "";
            Require(path, content.Length > 0, "an added token must not be empty");
            foreach (string option in (string[])["single_word", "lstrip", "rstrip"])
                Require(path, !IsTrue(token, option), $"'{option}' of added token '{content}' must be false");
            added.Add(new AddedToken(content, Id(path, token.GetProperty("id"), content), IsTrue(token, "special"), IsTrue(token, "normalized")));
        }
        return added;
    }

    private static bool ReadNormalizer(string path, JsonElement root)
    {
        if (!root.TryGetProperty("normalizer", out JsonElement normalizer) || normalizer.ValueKind == JsonValueKind.Null)
            return false;
        Require(path, normalizer.GetProperty("type").GetString() == "NFC", "'normalizer' must be null or NFC");
        return true;
    }

    private static string ReadPattern(string path, JsonElement root)
    {
        const string rule = "'pre_tokenizer' must be a Sequence of Split (Regex, Isolated) and ByteLevel (without prefix space, without its own expression)";
        JsonElement pre = root.GetProperty("pre_tokenizer");
        Require(path, pre.GetProperty("type").GetString() == "Sequence" && pre.GetProperty("pretokenizers").GetArrayLength() == 2, rule);
        JsonElement split = pre.GetProperty("pretokenizers")[0];
        JsonElement bytes = pre.GetProperty("pretokenizers")[1];
        var isIsolated = split.GetProperty("type").GetString() == "Split" && split.GetProperty("behavior").GetString() == "Isolated";
        Require(path, isIsolated && !IsTrue(split, "invert"), rule);
        Require(path, bytes.GetProperty("type").GetString() == "ByteLevel" && !IsTrue(bytes, "add_prefix_space") && !IsTrue(bytes, "use_regex"), rule);
        var pattern = split.GetProperty("pattern").GetProperty("Regex").GetString();
        Require(path, pattern is not null, rule);
        return pattern!;
    }
}

using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vlm.Text;

/// <summary>
/// Writes the small models' tokenizer: byte-level BPE with the 256 bytes, one token for <c>" a"</c> to <c>" z"</c>, <c>" _"</c> and <c>→</c>,
/// Qwen's special strings, the tags of a reply and <c>" ?"</c>; 299 ids. The files load in Hugging Face tokenizers and in ONNX Runtime GenAI.
/// </summary>
public static class SmallTokenizer
{
    /// <summary>Number of ids in use.</summary>
    public const int Count = 299;

    /// <summary>The vocabulary size of the models: <see cref="Count"/> rounded up to a multiple of 16; the last ids are never used.</summary>
    public const int VocabSize = 304;

    /// <summary>Ends a text; used as padding, never in a prompt or reply.</summary>
    public const string EndOfText = "<|endoftext|>";

    /// <summary>Starts a turn.</summary>
    public const string TurnStart = "<|im_start|>";

    /// <summary>Ends a turn: the stop token.</summary>
    public const string TurnEnd = "<|im_end|>";

    /// <summary>Precedes the picture's tokens.</summary>
    public const string VisionStart = "<|vision_start|>";

    /// <summary>Follows the picture's tokens.</summary>
    public const string VisionEnd = "<|vision_end|>";

    /// <summary>One token of a picture.</summary>
    public const string ImagePad = "<|image_pad|>";

    /// <summary>One token of a video; reserved by the architecture, not used here.</summary>
    public const string VideoPad = "<|video_pad|>";

    /// <summary>
    /// Stands in a mapping line for a plain letter that the picture does not show. The newest token, and so the last: models made before it have the same ids
    /// for all others.
    /// </summary>
    public const string Unseen = " ?";

    private const int Bytes = 256;

    // Qwen2's pre-tokenizer: the expression the tokenizers of the whole model family are trained with.
    private const string PreTokenizer =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly string[] SpecialTokens = [EndOfText, TurnStart, TurnEnd, VisionStart, VisionEnd, ImagePad, VideoPad];
    private static readonly string[] TagTokens = ["<think>", "</think>", "<chars>", "</chars>", "<answer>", "</answer>", Unseen];
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes <c>tokenizer.json</c> and <c>tokenizer_config.json</c> into a folder.</summary>
    public static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), TokenizerJson().ToJsonString(Json) + "\n");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), ConfigJson().ToJsonString(Json) + "\n");
    }

    /// <summary>The id of a special string or tag.</summary>
    /// <exception cref="ArgumentException">There is no such token.</exception>
    public static int Id(string token)
    {
        var index = Array.IndexOf([.. SpecialTokens, .. TagTokens], token);
        if (index < 0) throw new ArgumentException($"expected one of {string.Join(' ', [.. SpecialTokens, .. TagTokens])}, found '{token}'", nameof(token));
        return Bytes + Merges().Count + index;
    }

    private static JsonObject TokenizerJson()
    {
        var vocabulary = new JsonObject();
        foreach (var symbol in ByteSymbols().Order()) vocabulary.Add(symbol.ToString(), vocabulary.Count);
        foreach (var (left, right) in Merges()) vocabulary.Add(left + right, vocabulary.Count);
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = AddedTokens(vocabulary.Count),
            ["normalizer"] = new JsonObject { ["type"] = "NFC" },
            ["pre_tokenizer"] = PreTokenizerJson(),
            ["post_processor"] = ByteLevel(addPrefixSpace: false, useRegex: false),
            ["decoder"] = ByteLevel(addPrefixSpace: true, useRegex: true),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = "",
                ["end_of_word_suffix"] = "",
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. Merges().Select(merge => (JsonNode)new JsonArray(merge.Left, merge.Right))]),
            },
        };
    }

    private static JsonObject ConfigJson() => new()
    {
        ["tokenizer_class"] = "Qwen2Tokenizer",
        ["add_prefix_space"] = false,
        ["add_bos_token"] = false,
        ["bos_token"] = null,
        ["eos_token"] = TurnEnd,
        ["pad_token"] = EndOfText,
        ["unk_token"] = null,
        ["model_max_length"] = 2048,
        ["clean_up_tokenization_spaces"] = false,
        ["added_tokens_decoder"] = new JsonObject(AddedTokens(Bytes + Merges().Count).Select(token =>
        {
            var entry = token!.DeepClone().AsObject();
            var id = entry["id"]!.GetValue<int>();
            entry.Remove("id");
            return KeyValuePair.Create(id.ToString(), (JsonNode?)entry);
        })),
    };

    private static JsonArray AddedTokens(int firstId)
    {
        var tokens = new JsonArray();
        foreach (var content in (string[])[.. SpecialTokens, .. TagTokens])
        {
            tokens.Add(new JsonObject
            {
                ["id"] = firstId + tokens.Count,
                ["content"] = content,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                // Tags and the unseen letter are not special: they must survive when a reply is decoded without special tokens.
                ["special"] = SpecialTokens.Contains(content),
            });
        }

        return tokens;
    }

    private static JsonObject PreTokenizerJson() => new()
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = new JsonArray(
            new JsonObject
            {
                ["type"] = "Split",
                ["pattern"] = new JsonObject { ["Regex"] = PreTokenizer },
                ["behavior"] = "Isolated",
                ["invert"] = false,
            },
            ByteLevel(addPrefixSpace: false, useRegex: false)),
    };

    private static JsonObject ByteLevel(bool addPrefixSpace, bool useRegex) => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = addPrefixSpace,
        ["trim_offsets"] = true,
        ["use_regex"] = useRegex,
    };

    private static List<(string Left, string Right)> Merges()
    {
        var symbols = ByteSymbols();
        var space = symbols[' '].ToString();
        var merges = Enumerable.Range('a', 26).Select(letter => (space, ((char)letter).ToString())).ToList();
        merges.Add((space, "_"));
        var arrow = "→"u8;
        merges.Add((symbols[arrow[0]].ToString(), symbols[arrow[1]].ToString()));
        merges.Add(($"{symbols[arrow[0]]}{symbols[arrow[1]]}", symbols[arrow[2]].ToString()));
        return merges;
    }

    /// <summary>GPT-2's visible character of each byte: itself where it is visible, else the next free one from U+0100.</summary>
    private static char[] ByteSymbols()
    {
        var symbols = new char[Bytes];
        var free = 0x100;
        for (var value = 0; value < Bytes; value++)
        {
            var visible = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            symbols[value] = (char)(visible ? value : free++);
        }

        return symbols;
    }
}

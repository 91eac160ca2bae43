using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Vlm.Model;
using Vlm.Text;

namespace Vlm.Core.Tests.Text;

public sealed class TokenizerTests
{
    private static readonly Lazy<Tokenizer> Loaded = new(() => Tokenizer.Load(Golden.Path("qwen2-tokenizer/tokenizer.json")));

    // Stands for a string that is no text: a node of JSON cannot hold it.
    private const string HalfAPair = "\"half a pair\"";

    private static Tokenizer Qwen2 => Loaded.Value;

    [Fact]
    public void All_golden_texts_have_the_references_ids_and_come_back()
    {
        JsonElement[] cases = [.. Golden.Json("qwen2-tokenizer/golden.json").GetProperty("cases").EnumerateArray()];
        Assert.Equal(104, cases.Length);
        Assert.All(cases, each =>
        {
            int[] ids = [.. each.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, Qwen2.Encode(each.GetProperty("text").GetString()!));
            Assert.Equal(each.GetProperty("decoded").GetString(), Qwen2.Decode(ids));
            Assert.Equal(each.GetProperty("decoded_without_special").GetString(), Qwen2.Decode(ids, skipSpecial: true));
        });
    }

    [Fact]
    public void The_bytes_of_the_tokens_of_a_text_are_the_bytes_of_the_text()
    {
        const string Text = "a → b 🦉 naïve<|im_end|>";
        int[] ids = Qwen2.Encode(Text);
        Assert.Equal(Encoding.UTF8.GetBytes(Text), ids.SelectMany(Qwen2.Bytes));
        Assert.Contains(ids, id => Encoding.UTF8.GetString(Qwen2.Bytes(id)).Contains('\uFFFD', StringComparison.Ordinal));
        Assert.Empty(Qwen2.Bytes(int.MaxValue));
    }

    [Fact]
    public void Text_is_normalised_as_unicodes_conformance_test_asks()
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(Golden.Path("unicode/NormalizationTest.txt.gz")), CompressionMode.Decompress));
        int rows = 0;
        var wrong = new List<string>();
        for (; reader.ReadLine() is { } line; rows++)
        {
            string[] forms = [.. line.Split(';').Select(Characters)];
            if (forms[..3].Any(form => Qwen2.Decode(Qwen2.Encode(form)) != forms[1]) || forms[3..].Any(form => Qwen2.Decode(Qwen2.Encode(form)) != forms[3]))
                wrong.Add(line);
        }
        Assert.Equal(19_074, rows);
        Assert.Equal([], wrong);
    }

    [Fact]
    public void Decoding_undoes_encoding_on_normalised_text()
    {
        string alphabet = "ab Zß1²'s\t\n\r_→é中한🙂𝐇𝟏\u200d<|im_end|>\0";
        Gen<string> texts = Gen.ArrayOf(Gen.Elements(alphabet.EnumerateRunes().Select(rune => rune.ToString()).ToArray())).Select(string.Concat);
        Prop.ForAll(Arb.From(texts), text => Assert.Equal(text, Qwen2.Decode(Qwen2.Encode(text)))).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_ids_decode_to_some_text()
    {
        Prop.ForAll(Arb.From(Gen.ArrayOf(Gen.Choose(-5, 152_000))), ids =>
        {
            string text = Qwen2.Decode(ids);
            Assert.False(text.Any(char.IsSurrogate) && text.EnumerateRunes().Any(rune => rune.Value is >= 0xD800 and <= 0xDFFF));
            Assert.Equal(text, Qwen2.Decode([.. ids.Where(id => id >= 0 && id < Qwen2.Count)]));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Bytes_that_are_not_utf8_become_replacement_characters()
    {
        int lead = Qwen2.Id("ð");      // byte F0
        int next = Qwen2.Id("Ł");      // byte 9F
        int stray = Qwen2.Id("ÿ");     // byte FF

        Assert.Equal("a\uFFFDb", Qwen2.Decode([64, lead, next, 65]));
        Assert.Equal("\uFFFD\uFFFDa", Qwen2.Decode([stray, next, 64]));
        Assert.Equal("\uFFFD", Qwen2.Decode([lead]));
    }

    [Fact]
    public void Half_a_surrogate_pair_counts_as_the_replacement_character() => Assert.Equal(Qwen2.Encode("a\uFFFDb"), Qwen2.Encode("a\uD835b"));

    [Fact]
    public void Ids_of_tokens_are_found_by_their_text()
    {
        Assert.Equal((151655, 151645, 64, 151665), (Qwen2.Id("<|image_pad|>"), Qwen2.Id("<|im_end|>"), Qwen2.Id("a"), Qwen2.Count));
        Assert.Contains("no token '<nothing>'", Assert.Throws<CheckpointException>(() => Qwen2.Id("<nothing>")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_small_vocabulary_with_pairs_for_merges_works()
    {
        using var folder = new TempFolder();
        Tokenizer small = Tokenizer.Load(folder.Write("tokenizer.json", Small(_ => { })));

        int a = small.Id("a");
        Assert.Equal([small.Id("Ġa"), small.Id("Ġ"), a, 257, 258, a], Encode(small, " a", " ", "a", "<b>", "<b>c", "a"));
        Assert.Equal("<b>a", small.Decode([257, a, 300]));
        Assert.Equal("a", small.Decode([257, a], skipSpecial: true));
        // Found before normalisation, so that the mark does not join the bracket.
        Assert.Equal(257, small.Encode("<b>\u0338")[0]);

        static int[] Encode(Tokenizer tokenizer, params string[] texts) => [.. texts.SelectMany(tokenizer.Encode)];
    }

    [Theory]
    [InlineData("model.type", "\"WordPiece\"", "'model.type' must be 'BPE'")]
    [InlineData("model.byte_fallback", "true", "'model.byte_fallback' must be false")]
    [InlineData("model.ignore_merges", "true", "'model.ignore_merges' must be false")]
    [InlineData("model.unk_token", "\"<unk>\"", "'model.unk_token' must be empty")]
    [InlineData("model.vocab", "{\"a\": 0}", "no token for byte 0")]
    [InlineData("model.vocab", "7", "not a byte-level BPE tokenizer")]
    [InlineData("model.merges", "[\"x y z\"]", "tokenizer.json")]
    [InlineData("model.merges", "[7]", "not a byte-level BPE tokenizer")]
    [InlineData("normalizer", "{\"type\": \"Lowercase\"}", "'normalizer' must be null or NFC")]
    [InlineData("pre_tokenizer", "{\"type\": \"Whitespace\"}", "'pre_tokenizer' must be a Sequence")]
    [InlineData("pre_tokenizer", "null", "not a byte-level BPE tokenizer")]
    [InlineData("added_tokens", "[{\"id\": 9, \"content\": \"<b>\", \"lstrip\": true}]", "'lstrip' of added token '<b>' must be false")]
    [InlineData("added_tokens", "[{\"id\": 9, \"content\": \"\"}]", "an added token must not be empty")]
    [InlineData("added_tokens", "[{\"id\": 9, \"content\": \"x\"}, {\"id\": 9, \"content\": \"y\"}]", "tokenizer.json")]
    public void A_tokenizer_of_another_kind_is_refused(string field, string value, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.Write("tokenizer.json", Small(json =>
        {
            string[] names = field.Split('.');
            JsonObject parent = names.Length == 1 ? json : json[names[0]]!.AsObject();
            parent[names[^1]] = JsonNode.Parse(value);
        }));

        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => Tokenizer.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_tokenizer_is_one_clear_error()
    {
        using var folder = new TempFolder();

        Assert.Contains("is not JSON", Assert.Throws<CheckpointException>(() => Tokenizer.Load(folder.Write("t.json", "oops"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("not a byte-level BPE tokenizer", Assert.Throws<CheckpointException>(() => Tokenizer.Load(folder.Write("t.json", "{}"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Throws<CheckpointException>(() => Tokenizer.Load(folder.File("none.json"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tokenizer_with_a_part_of_another_kind_is_read_or_refused_by_name_and_what_was_read_encodes()
    {
        using var folder = new TempFolder();
        string path = folder.File("tokenizer.json");
        var good = JsonNode.Parse(Small(_ => { }))!;
        string[] values =
        [
            "null", "true", "7", "-1", "2147483647", "99999999999999", "1.5", "\"\"", "\"x\"", HalfAPair, "\"(\"", "[]", "{}", "[null, null]", "[[]]",
            "{\"a\": null}",
        ];
        foreach (string place in Places(good, ""))
        {
            foreach (string value in values) Hold(Changed(good, place, value));
            Hold(Changed(good, place, null));
        }

        void Hold(string text)
        {
            File.WriteAllText(path, text);
            try
            {
                Tokenizer read = Tokenizer.Load(path);
                Assert.InRange(read.Count, 1, 1 << 24);
                read.Decode(read.Encode("a <b> \u00e4"));
            }
            catch (CheckpointException error)
            {
                Assert.Contains("tokenizer.json", error.Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>Every part of a file by its path, of long lists only the first ones.</summary>
    private static IEnumerable<string> Places(JsonNode? node, string path)
    {
        if (path.Length > 0) yield return path;
        var parts = node switch
        {
            JsonObject json => json.Take(3 + (json.Count < 20 ? json.Count : 0)).Select(part => (part.Key, part.Value)),
            JsonArray list => list.Take(3).Select((part, index) => (Key: index.ToString(CultureInfo.InvariantCulture), Value: part)),
            _ => [],
        };
        foreach (var (key, value) in parts)
        {
            foreach (string below in Places(value, $"{path}/{key}")) yield return below;
        }
    }

    /// <param name="good">Stays as it is.</param>
    /// <param name="place">What is changed.</param>
    /// <param name="value">JSON; null to leave it out.</param>
    private static string Changed(JsonNode good, string place, string? value)
    {
        JsonNode root = good.DeepClone(), parent = root;
        string[] keys = place.Split('/')[1..];
        foreach (string key in keys[..^1]) parent = parent is JsonArray each ? each[int.Parse(key, CultureInfo.InvariantCulture)]! : parent[key]!;
        JsonNode? written = value is null ? null : JsonNode.Parse(value);
        if (parent is JsonArray list)
        {
            int index = int.Parse(keys[^1], CultureInfo.InvariantCulture);
            if (value is null) list.RemoveAt(index);
            else list[index] = written;
        }
        else if (value is null)
        {
            parent.AsObject().Remove(keys[^1]);
        }
        else
        {
            parent[keys[^1]] = written;
        }
        return root.ToJsonString().Replace(HalfAPair, "\"\\ud800\"", StringComparison.Ordinal);
    }

    /// <summary>256 bytes, the merge of " a", and two added tokens, one a prefix of the other.</summary>
    private static string Small(Action<JsonObject> change)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(Golden.Path("qwen2-tokenizer/tokenizer.json")))!.AsObject();
        JsonObject vocabulary = json["model"]!["vocab"]!.AsObject();
        var small = new JsonObject();
        foreach (string token in vocabulary.Select(token => token.Key).Where(token => token.Length == 1 || token == "Ġa"))
            small[token] = small.Count;
        json["model"]!["vocab"] = small;
        json["model"]!["merges"] = new JsonArray(new JsonArray("Ġ", "a"));
        json["added_tokens"] = new JsonArray(
            new JsonObject { ["id"] = 257, ["content"] = "<b>", ["special"] = true, ["normalized"] = false },
            new JsonObject { ["id"] = 258, ["content"] = "<b>c", ["special"] = false, ["normalized"] = false });
        change(json);
        return json.ToJsonString();
    }

    private static string Characters(string codePoints) =>
        string.Concat(codePoints.Split(' ').Select(code => new Rune(int.Parse(code, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)).ToString()));
}

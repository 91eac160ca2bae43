using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vlm.Text;

namespace Vlm.Package;

/// <summary>
/// The prompt of a model package (<c>prompt.json</c>): a small model gets a few tokens, an instruction-tuned one gets the task in words.
/// </summary>
public sealed record PromptTemplate
{
    /// <summary>Where the picture's tokens go.</summary>
    public const string PictureField = "{picture}";

    /// <summary>Where the spaced code goes.</summary>
    public const string CodeField = "{code}";

    /// <summary>Everything up to the model's own turn, with <see cref="PictureField"/> and <see cref="CodeField"/> once each.</summary>
    public required string User { get; init; }

    /// <summary>The start of the model's turn that is given, not generated. Ends inside the opened <c>&lt;think&gt;</c>.</summary>
    public required string AssistantPrefix { get; init; }

    /// <summary>Tokens that end a reply.</summary>
    public required IReadOnlyList<string> StopTokens { get; init; }

    /// <summary>A reply of this many tokens is cut. Range 1 to 4096.</summary>
    public required int MaxNewTokens { get; init; }

    /// <summary>
    /// Whether replies have the layout of <see cref="Cryptogram.ReplyText"/> and no other, so that decoding can be held to it. A model that reasons in words of
    /// its own has not.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool MappingLines { get; init; }

    /// <summary>
    /// Whether letters that are still unsure after all looks at the picture are decided with the word list; false by default. For the model that is asked last:
    /// a box that answers alone should keep what it read, and ask where it would have to guess. Needs <see cref="MappingLines"/>.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LeansOnWords { get; init; }

    /// <summary>The prompt of the small models: the code is preceded by one space, so that every letter is a " x" token.</summary>
    public static PromptTemplate Small { get; } = new()
    {
        User = "<|im_start|>{picture} {code}<|im_end|>",
        AssistantPrefix = "<|im_start|><think>\n",
        StopTokens = ["<|im_end|>"],
        MaxNewTokens = 512,
        MappingLines = true,
    };

    /// <summary>The prompt of public instruction-tuned checkpoints: the task in words, in their chat format.</summary>
    public static PromptTemplate Instruct { get; } = new()
    {
        User = """
            <|im_start|>system
            You are a careful assistant. You first reason about the problem, then you give the answer.<|im_end|>
            <|im_start|>user
            {picture}The picture is a decoder: each pair shows a coded letter, an arrow, and the letter it stands for.
            Decode the message at the end of this text with it. The result is one or more English words; "_" in the message is a space between words.
            Write your reasoning inside <think> </think> tags: for every symbol one line of the form "x → y", then the decoded letters in order
            inside <chars> </chars> tags, separated by spaces, with "_" where there is a space.
            After the reasoning write the decoded message inside <answer> </answer> tags.
            For example, if "r u n _ o f g" decodes to "sun hat", your reply ends with:
            <chars> s u n _ h a t </chars>
            </think>
            <answer>sun hat</answer>
            The coded message is: {code}<|im_end|>

            """,
        AssistantPrefix = "<|im_start|>assistant\nI decode the message symbol by symbol.\n<think>\n",
        StopTokens = ["<|im_end|>", "<|endoftext|>"],
        MaxNewTokens = 512,
    };

    /// <summary>The whole prompt as text, ready for the tokenizer.</summary>
    /// <param name="code">The spaced code: <c>q x _ a y f</c>.</param>
    /// <param name="imageTokens">Number of picture tokens after merging, at least 1.</param>
    public string Text(string code, int imageTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(imageTokens, 1);
        var picture = new StringBuilder(SmallTokenizer.VisionStart);
        for (var i = 0; i < imageTokens; i++) picture.Append(SmallTokenizer.ImagePad);
        picture.Append(SmallTokenizer.VisionEnd);
        return User.Replace(PictureField, picture.ToString(), StringComparison.Ordinal).Replace(CodeField, code, StringComparison.Ordinal)
            + AssistantPrefix;
    }

    /// <summary>Reads and checks <c>prompt.json</c>.</summary>
    /// <exception cref="InvalidDataException">The file is not a prompt; the message says what is wrong and where.</exception>
    public static PromptTemplate Load(string path)
    {
        try
        {
            var template = JsonSerializer.Deserialize(File.ReadAllText(path), PromptJson.Default.PromptTemplate);
            return template is null ? throw new InvalidDataException($"{path}: expected a JSON object, found null") : Checked(template, path);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path}: not a prompt file: {error.Message}", error);
        }
    }

    /// <summary>Writes <c>prompt.json</c>.</summary>
    public void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(Checked(this, path), PromptJson.Default.PromptTemplate) + "\n");

    private static PromptTemplate Checked(PromptTemplate template, string path)
    {
        foreach (var field in (string[])[PictureField, CodeField])
        {
            var count = template.User.Split(field).Length - 1;
            if (count != 1) throw new InvalidDataException($"{path}: \"user\" must contain {field} exactly once, found {count} times");
        }

        if (template.MaxNewTokens is < 1 or > 4096)
            throw new InvalidDataException($"{path}: \"max_new_tokens\" must be 1 to 4096, found {template.MaxNewTokens}");
        if (template is { LeansOnWords: true, MappingLines: false })
        {
            throw new InvalidDataException($"{path}: \"leans_on_words\" needs \"mapping_lines\": only letters that are decided together "
                + "can be decided by words");
        }
        if (template.StopTokens.Count == 0) throw new InvalidDataException($"{path}: \"stop_tokens\" must name at least one token");
        return template;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(PromptTemplate))]
internal sealed partial class PromptJson : JsonSerializerContext;

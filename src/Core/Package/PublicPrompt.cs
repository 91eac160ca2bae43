using System.Text.Json;
using Vlm.Model;

namespace Vlm.Package;

/// <summary>
/// How a public checkpoint is asked, which has no <c>prompt.json</c> but a chat template: the task in words, where the template writes turns and pictures as
/// <see cref="PromptTemplate.Instruct"/> does.
/// </summary>
public static class PublicPrompt
{
    /// <summary>The name of a checkpoint's or package's own prompt.</summary>
    public const string FileName = "prompt.json";

    // What a template of the ChatML family writes around a turn and around a picture: PromptTemplate.Instruct says the same.
    private static readonly string[] Marks = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"];

    /// <summary>Looks into a checkpoint without a prompt of its own.</summary>
    /// <returns>The prompt; null where there is none, and why.</returns>
    /// <exception cref="CheckpointException">A file that should hold the chat template is not JSON.</exception>
    public static (PromptTemplate? Prompt, string Why) Of(string checkpointFolder)
    {
        if (ChatTemplate(checkpointFolder) is not { } template) return (null, $"'{checkpointFolder}' has no {FileName} and no chat template");
        return Marks.FirstOrDefault(mark => !template.Contains(mark, StringComparison.Ordinal)) is { } missing
            ? (null, $"The chat template of '{checkpointFolder}' does not write {missing}, so it is not known here")
            : (PromptTemplate.Instruct, $"'{checkpointFolder}' has no {FileName}: the task is put in words, in the format of its chat template");
    }

    /// <summary>The three places where checkpoints keep it.</summary>
    private static string? ChatTemplate(string folder)
    {
        var plain = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(plain)) return File.ReadAllText(plain);
        return Field(Path.Combine(folder, "chat_template.json")) ?? Field(Path.Combine(folder, "tokenizer_config.json"));
    }

    private static string? Field(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var isThere = document.RootElement.TryGetProperty("chat_template", out var template) && template.ValueKind == JsonValueKind.String;
            return isThere ? template.GetString() : null;
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"'{path}' is not JSON: {e.Message}", e);
        }
    }
}

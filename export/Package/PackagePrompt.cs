using System.Text.Json;
using Vlm.Model;
using Vlm.Package;

namespace Vlm.Export.Package;

/// <summary><c>prompt.json</c>: the checkpoint's own, or, for a public chat model, the task in words in the format of its chat template.</summary>
internal static class PackagePrompt
{
    public const string FileName = "prompt.json";

    // What a template of the ChatML family writes around a turn and around a picture: PromptTemplate.Instruct says the same.
    private static readonly string[] Marks = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"];

    /// <returns>What is to be said about it; null for a checkpoint with a prompt of its own.</returns>
    public static string? Write(string checkpointFolder, string folder)
    {
        var target = Path.Combine(folder, FileName);
        if (File.Exists(Path.Combine(checkpointFolder, FileName)))
        {
            File.Copy(Path.Combine(checkpointFolder, FileName), target);
            return null;
        }
        if (ChatTemplate(checkpointFolder) is not { } template)
            return $"'{checkpointFolder}' has no {FileName} and no chat template: the package has no prompt of its own.";
        if (Marks.FirstOrDefault(mark => !template.Contains(mark, StringComparison.Ordinal)) is { } missing)
        {
            return $"The chat template of '{checkpointFolder}' does not write {missing}, so it is not known here: the package has no prompt of its own. "
                + $"Write a {FileName} into the checkpoint.";
        }
        PromptTemplate.Instruct.Save(target);
        return $"'{checkpointFolder}' has no {FileName}: the task is put in words, in the format of its chat template.";
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

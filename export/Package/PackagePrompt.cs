using Vlm.Package;

namespace Vlm.Export.Package;

/// <summary><c>prompt.json</c>: the checkpoint's own, or, for a public chat model, the task in words in the format of its chat template.</summary>
internal static class PackagePrompt
{
    /// <returns>What is to be said about it; null for a checkpoint with a prompt of its own.</returns>
    public static string? Write(string checkpointFolder, string folder)
    {
        var (own, target) = (Path.Combine(checkpointFolder, PublicPrompt.FileName), Path.Combine(folder, PublicPrompt.FileName));
        if (File.Exists(own))
        {
            File.Copy(own, target);
            return null;
        }
        var (prompt, why) = PublicPrompt.Of(checkpointFolder);
        if (prompt is null) return $"{why}: the package has no prompt of its own. Write a {PublicPrompt.FileName} into the checkpoint.";
        prompt.Save(target);
        return $"{why}.";
    }
}

using Vlm.Package;

namespace Vlm.Core.Tests.Engine;

/// <summary>
/// A whole package with random weights: the reference's graphs and tokenizer with a prompt and a manifest of ours. It never answers sensibly.
/// </summary>
internal static class TinyPackage
{
    public const string Prompt = """
        {
          "user": "<|im_start|>user\n{picture} {code}<|im_end|>",
          "assistant_prefix": "<|im_start|>assistant\n",
          "stop_tokens": ["<|im_end|>"],
          "max_new_tokens": 8
        }
        """;

    /// <summary>Writes the package into a folder.</summary>
    public static void Write(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(ReferencePackage.Package)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        File.WriteAllText(Path.Combine(folder, "prompt.json"), Prompt);
        ModelFolder.Seal(folder, "fp32", new Provenance());
    }
}

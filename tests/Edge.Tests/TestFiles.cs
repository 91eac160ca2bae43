using Vlm.Package;

namespace Vlm.Edge.Tests;

/// <summary>Files that tests read, and a folder of their own to write in.</summary>
internal sealed class TestFiles : IDisposable
{
    private const string Prompt = """
        {
          "user": "<|im_start|>user\n{picture} {code}<|im_end|>",
          "assistant_prefix": "<|im_start|>assistant\n",
          "stop_tokens": ["<|im_end|>"],
          "max_new_tokens": 8
        }
        """;

    public static string Golden { get; } = Repository.Golden();

    /// <summary>Gone after the test.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("vlm-edge-").FullName;

    public static string Picture(string name) => Path.Combine(Golden, "genai-reference", "pictures", name);

    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>A package with random weights, which never answers sensibly.</summary>
    public string TinyPackage()
    {
        var folder = Directory.CreateDirectory(File("package")).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Golden, "genai-reference", "package")))
            System.IO.File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        System.IO.File.WriteAllText(Path.Combine(folder, "prompt.json"), Prompt);
        ModelFolder.Seal(folder, "fp32", new Provenance());
        return folder;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

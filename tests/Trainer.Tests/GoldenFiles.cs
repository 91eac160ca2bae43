namespace Vlm.Trainer.Tests;

/// <summary>Files made by reference implementations.</summary>
internal static class GoldenFiles
{
    /// <summary>The path of a file under tests/Golden.</summary>
    public static string At(string path)
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Edge.sln"))) folder = Path.GetDirectoryName(folder);
        return Path.Combine(folder ?? throw new InvalidOperationException("Edge.sln is in no folder above the tests."), "tests", "Golden", path);
    }
}

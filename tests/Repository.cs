namespace Vlm.Tests;

/// <summary>Where the repository lies. Compiled into every test project.</summary>
internal static class Repository
{
    /// <summary>The folder of Edge.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>The path of a file or folder under tests/Golden.</summary>
    public static string Golden(params IEnumerable<string> parts) => Path.Combine([Root, "tests", "Golden", .. parts]);

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Edge.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"No Edge.sln in '{AppContext.BaseDirectory}' or above.");
    }
}

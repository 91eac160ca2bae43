namespace Vlm.Parity.Tests;

/// <summary>Where the repository is.</summary>
internal static class Repository
{
    /// <summary>The folder of Edge.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Edge.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"No Edge.sln in '{AppContext.BaseDirectory}' or above.");
    }
}

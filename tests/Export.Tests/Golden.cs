namespace Vlm.Export.Tests;

/// <summary>Fixtures made by other implementations; tests/Golden/README.md says how.</summary>
internal static class Golden
{
    public static string Folder { get; } = Path.Combine(Root(), "tests", "Golden");

    public static string Of(params string[] parts) => Path.Combine([Folder, .. parts]);

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Edge.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"No folder above '{AppContext.BaseDirectory}' holds Edge.sln.");
    }
}

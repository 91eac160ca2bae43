namespace Vlm.Edge;

/// <summary>Finds the folder of a model package.</summary>
internal static class ModelPlace
{
    /// <summary>A relative folder is looked for in the current directory, then in the repository that this program was built in.</summary>
    public static string Locate(string model)
    {
        if (Directory.Exists(model) || Path.IsPathRooted(model)) return model;
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Edge.sln"))) folder = folder.Parent;
        var candidate = folder is null ? model : Path.Combine(folder.FullName, model);
        return Directory.Exists(candidate) ? candidate : model;
    }
}

namespace Vlm.Edge.Storage;

/// <summary>Where damaged files lie until somebody takes them away. Only the last ones are kept, so that a failing disk cannot fill itself.</summary>
internal static class Quarantine
{
    private const string Prefix = "quarantine-";

    /// <summary>Those that lie there.</summary>
    public static IReadOnlyList<string> Folders(string folder) => Directory.Exists(folder) ? Directory.GetDirectories(folder, Prefix + "*") : [];

    /// <summary>Moves files and folders whose names begin so out of the way, each into a folder beside it.</summary>
    /// <param name="what">Where they are and how their names begin.</param>
    /// <param name="now">For the name of these folders.</param>
    /// <returns>Where the first of them is now.</returns>
    public static string Move(IReadOnlyList<(string Folder, string Name)> what, DateTimeOffset now)
    {
        foreach (var old in what.SelectMany(each => Folders(each.Folder)).Distinct().ToArray()) Directory.Delete(old, recursive: true);
        foreach (var (folder, name) in what)
        {
            var aside = Directory.CreateDirectory(Aside(folder, now)).FullName;
            foreach (var path in Directory.GetFileSystemEntries(folder, name + "*")) Directory.Move(path, Path.Combine(aside, Path.GetFileName(path)));
        }
        return Aside(what[0].Folder, now);
    }

    private static string Aside(string folder, DateTimeOffset now) => Path.Combine(folder, $"{Prefix}{now.ToUnixTimeMilliseconds()}");
}

namespace Vlm.Edge.Escalations;

/// <summary>Where damaged queues lie until somebody takes them away. Only the last one is kept, so that a failing disk cannot fill itself.</summary>
internal static class Quarantine
{
    private const string Prefix = "quarantine-";

    /// <summary>Those that lie there.</summary>
    public static IReadOnlyList<string> Folders(string folder) => Directory.Exists(folder) ? Directory.GetDirectories(folder, Prefix + "*") : [];

    /// <summary>Moves files and folders whose names begin so out of the way.</summary>
    /// <returns>Where they are now.</returns>
    public static string Move(string folder, string[] names, DateTimeOffset now)
    {
        foreach (var old in Folders(folder)) Directory.Delete(old, recursive: true);
        var aside = Directory.CreateDirectory(Path.Combine(folder, $"{Prefix}{now.ToUnixTimeMilliseconds()}")).FullName;
        foreach (var name in names)
        {
            foreach (var path in Directory.GetFileSystemEntries(folder, name + "*")) Directory.Move(path, Path.Combine(aside, Path.GetFileName(path)));
        }
        return aside;
    }
}

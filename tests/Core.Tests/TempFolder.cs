namespace Vlm.Core.Tests;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("vlm-").FullName;

    /// <summary>The path of a file in it, which need not exist.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file and gives its path.</summary>
    public string Write(string name, byte[] bytes)
    {
        System.IO.File.WriteAllBytes(File(name), bytes);
        return File(name);
    }

    /// <summary>Writes a text file and gives its path.</summary>
    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    /// <summary>
    /// Another folder's files, copied into <c>blobs</c> under other names, and links to them in <c>snapshot</c>: as a hub's cache keeps them.
    /// </summary>
    public void Link(string folder)
    {
        Directory.CreateDirectory(File("blobs"));
        Directory.CreateDirectory(File("snapshot"));
        foreach (var (file, index) in Directory.GetFiles(folder).Select((file, index) => (file, index)))
        {
            System.IO.File.Copy(file, File($"blobs/{index}"));
            System.IO.File.CreateSymbolicLink(File($"snapshot/{System.IO.Path.GetFileName(file)}"), $"../blobs/{index}");
        }
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

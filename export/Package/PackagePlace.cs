using System.Diagnostics;
using Vlm.Export.Options;

namespace Vlm.Export.Package;

/// <summary>Where a package is built and where it ends up: a reader of the target sees the old package or the new one, never a mixture.</summary>
internal sealed class PackagePlace
{
    /// <summary>Not made by an export, so they outlive one.</summary>
    private static readonly string[] KeptFolders = ["checkpoint", "plots", "samples"];

    private readonly string _target;
    private readonly string _old;

    private PackagePlace(string target)
    {
        _target = target;
        Temporary = $"{target}.tmp-{Environment.ProcessId}";
        _old = $"{target}.old-{Environment.ProcessId}";
    }

    /// <summary>Beside the target, so that a rename is enough.</summary>
    public string Temporary { get; }

    /// <exception cref="ExportException">The target exists and is not a package.</exception>
    public static PackagePlace For(string target)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        if (File.Exists(full)) throw new ExportException($"'{target}' is a file; give the folder that shall hold the package.");
        if (Directory.Exists(full) && !File.Exists(Path.Combine(full, "manifest.json")) && HoldsMoreThanKeptFolders(full))
            throw new ExportException($"'{target}' exists and is not a model package: it has no manifest.json. It is not replaced; give another folder.");
        SweepAfterKilled(full);
        return new PackagePlace(full);
    }

    /// <summary>Puts the finished package in place. When a step fails, everything is as it was.</summary>
    public void Commit()
    {
        var undo = new Stack<Action>();
        try
        {
            foreach (var name in KeptFolders.Where(name => Directory.Exists(Path.Combine(_target, name))))
                Move(Path.Combine(_target, name), Path.Combine(Temporary, name), undo);
            if (Directory.Exists(_target)) Move(_target, _old, undo);
            Move(Temporary, _target, undo);
        }
        catch
        {
            while (undo.TryPop(out var step))
                step();
            throw;
        }

        if (Directory.Exists(_old)) Directory.Delete(_old, recursive: true);
    }

    /// <summary>Removes what an export that failed has left.</summary>
    public void Discard()
    {
        if (Directory.Exists(Temporary)) Directory.Delete(Temporary, recursive: true);
    }

    /// <summary>An export that was killed could not take away what it had begun; its number is in the name.</summary>
    private static void SweepAfterKilled(string target)
    {
        var parent = new DirectoryInfo(Path.GetDirectoryName(target)!);
        var start = $"{Path.GetFileName(target)}.tmp-";
        if (!parent.Exists) return;
        foreach (var left in parent.EnumerateDirectories($"{start}*"))
        {
            if (int.TryParse(left.Name[start.Length..], out var id) && !IsAlive(id)) left.Delete(recursive: true);
        }
    }

    private static bool IsAlive(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool HoldsMoreThanKeptFolders(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).Any(entry => !Directory.Exists(entry) || !KeptFolders.Contains(Path.GetFileName(entry)));

    private static void Move(string from, string to, Stack<Action> undo)
    {
        Directory.Move(from, to);
        undo.Push(() => Directory.Move(to, from));
    }
}


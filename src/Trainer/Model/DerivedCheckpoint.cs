using Vlm.Model;

namespace Vlm.Trainer.Model;

/// <summary>A checkpoint made of another one: whole in its place, or not at all.</summary>
internal static class DerivedCheckpoint
{
    /// <summary>Not copied: they tell of the base's weights.</summary>
    private static readonly HashSet<string> OfTheBase = ["model.safetensors.index.json", "provenance.json"];

    /// <summary>Copies the base's other files (not its weights, training state or provenance) and lets the rest be written.</summary>
    /// <param name="from">The base's folder.</param>
    /// <param name="to">A folder that is not there yet.</param>
    /// <param name="write">Writes the weights, and what else is new, into the folder that it is given.</param>
    /// <exception cref="CheckpointException">The target exists.</exception>
    public static void Write(string from, string to, Action<string> write)
    {
        EnsureFree(to);
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(to));
        // Beside the target, so that a rename is enough, under a name that is nobody's.
        var temporary = $"{target}.{Path.GetRandomFileName()}";
        try
        {
            Directory.CreateDirectory(temporary);
            foreach (var file in Directory.EnumerateFiles(from))
            {
                var name = Path.GetFileName(file);
                if (!OfTheBase.Contains(name) && !name.EndsWith(".safetensors", StringComparison.Ordinal)) File.Copy(file, Path.Combine(temporary, name));
            }

            write(temporary);
            Directory.Move(temporary, target);
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
    }

    /// <summary>Refuses a target that exists, before anything long is done.</summary>
    public static void EnsureFree(string to)
    {
        if (Directory.Exists(to) || File.Exists(to))
            throw new CheckpointException($"'{to}' exists already; nothing was written. Give another folder or remove it.");
    }
}

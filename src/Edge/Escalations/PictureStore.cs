using System.Security.Cryptography;
using Vlm.Files;

namespace Vlm.Edge.Escalations;

/// <summary>Pictures as files named by their SHA-256: the same picture is kept once, and a damaged one is noticed.</summary>
internal sealed class PictureStore
{
    private readonly string _folder;

    public PictureStore(string folder) => _folder = Directory.CreateDirectory(folder).FullName;

    /// <summary>Keeps a picture; it is on the disk, name and all, when this returns.</summary>
    /// <returns>Its name.</returns>
    /// <exception cref="IOException">No room, or the disk fails; nothing is left behind.</exception>
    public string Keep(byte[] picture)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(picture));
        var path = Path.Combine(_folder, name);
        if (File.Exists(path)) return name;
        // It goes when a damaged database is put aside.
        Directory.CreateDirectory(_folder);
        try
        {
            AtomicFile.Write(path, picture);
        }
        catch
        {
            // It may have its name already when its folder could not be synchronised.
            File.Delete(path);
            throw;
        }

        return name;
    }

    /// <summary>The picture; null when it is missing or not what its name says.</summary>
    public byte[]? Read(string name)
    {
        try
        {
            var picture = File.ReadAllBytes(Path.Combine(_folder, name));
            return Convert.ToHexStringLower(SHA256.HashData(picture)) == name ? picture : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Removes a picture. A power cut may bring it back; <see cref="Sweep"/> removes it then.</summary>
    public void Remove(string name) => File.Delete(Path.Combine(_folder, name));

    /// <summary>Removes every picture that nothing refers to: a process was killed between the picture and its entry, or while it wrote one.</summary>
    public void Sweep(IReadOnlySet<string> referred)
    {
        if (!Directory.Exists(_folder)) return;
        foreach (var file in Directory.GetFiles(_folder).Where(file => !referred.Contains(Path.GetFileName(file)))) File.Delete(file);
    }
}

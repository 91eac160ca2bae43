using System.Text;

namespace Vlm.Files;

/// <summary>Writes files that are whole or as they were before, whenever the process ends or the power fails.</summary>
public static class AtomicFile
{
    /// <summary>What the name of a file that is being written ends with. Those that a killed process left behind may be deleted.</summary>
    public const string Unfinished = ".tmp";

    // EFBIG.
    private const int FileTooLarge = 27;

    /// <summary>Writes under a temporary name, synchronises, renames, and synchronises the folder: when it returns, the file is on the disk.</summary>
    /// <param name="path">Replaced when it exists; its folder must exist.</param>
    /// <param name="bytes">The whole content.</param>
    /// <exception cref="IOException">No room, or the disk fails; what was there before is there still, and nothing half written is left.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var temporary = path + Unfinished;
        try
        {
            // Not buffered: what cannot be written must fail here and not once more when the stream is closed.
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (ArgumentOutOfRangeException error)
        {
            // What .NET makes of EFBIG: the process's or the file system's limit on the size of a file.
            File.Delete(temporary);
            throw new IOException(error.Message, FileTooLarge);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        FolderSync.Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>The same for text, as UTF-8 without a byte order mark.</summary>
    /// <param name="path">Replaced when it exists; its folder must exist.</param>
    /// <param name="text">The whole content.</param>
    /// <exception cref="IOException">As above.</exception>
    public static void Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));
}

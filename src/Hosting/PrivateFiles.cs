using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Vlm.Hosting;

/// <summary>Keeps what a service writes from other users of the machine: files 0600, folders 0700. Does nothing on Windows.</summary>
public static partial class PrivateFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private const uint NobodyElse = 0x3F;

    /// <summary>From now on all that this process creates, native libraries included, is its user's alone.</summary>
    public static void ByDefault()
    {
        if (!OperatingSystem.IsWindows()) _ = UMask(NobodyElse);
    }

    /// <summary>Makes a folder that only this user can enter; one that exists is closed to others.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be made.</exception>
    public static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }
        var folder = Directory.CreateDirectory(path, OwnerOnly);
        if (folder.UnixFileMode == OwnerOnly) return;
        try
        {
            folder.UnixFileMode = OwnerOnly;
        }
        catch (UnauthorizedAccessException)
        {
            // Somebody else's folder, such as a mounted one: its owner decides who may enter.
        }
    }

    /// <summary>Warns of a file with a secret that others can read.</summary>
    public static void Check(string? secret, ILogger log)
    {
        if (OperatingSystem.IsWindows() || secret is null || !File.Exists(secret)) return;
        if ((File.GetUnixFileMode(secret) & Others) != 0) log.ReadableByOthers(secret);
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint UMask(uint mask);
}

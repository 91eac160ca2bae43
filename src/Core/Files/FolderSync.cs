using System.Runtime.InteropServices;
using System.Text;

namespace Vlm.Files;

/// <summary>Makes a rename outlive a power cut: on Linux a name is durable only when its folder is synchronised, and .NET has no call for it.</summary>
internal static class FolderSync
{
    /// <summary>Writes a folder's entries to the disk; nothing on systems other than Linux, whose file systems journal names themselves.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public static void Flush(string folder)
    {
        if (!OperatingSystem.IsLinux()) return;
        // Flags 0: to read. A folder opens like any file.
        var handle = Open(Encoding.UTF8.GetBytes(folder + "\0"), 0);
        if (handle < 0) throw new IOException($"the folder '{folder}' cannot be opened to synchronise it: error {Marshal.GetLastPInvokeError()}");
        try
        {
            if (Synchronise(handle) != 0) throw new IOException($"the folder '{folder}' cannot be synchronised: error {Marshal.GetLastPInvokeError()}");
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Synchronise(int handle);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int handle);
}

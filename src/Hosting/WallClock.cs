using System.Runtime.InteropServices;

namespace Vlm.Hosting;

/// <summary>Whether the machine's clock is right, as far as the machine knows.</summary>
public static partial class WallClock
{
    // sizeof(struct timex) is 208 on 64-bit Linux; the kernel writes no more.
    private const int TimexBytes = 256;

    // TIME_ERROR of adjtimex(2).
    private const int NotSynchronised = 5;

    /// <summary>Whether something keeps it at the world's time: on Linux what the kernel was told by NTP and the like, elsewhere always true.</summary>
    public static bool IsSynchronised()
    {
        if (!OperatingSystem.IsLinux()) return true;
        // All zero: nothing is adjusted, only asked.
        Span<byte> timex = stackalloc byte[TimexBytes];
        timex.Clear();
        return AdjTimex(ref MemoryMarshal.GetReference(timex)) is >= 0 and not NotSynchronised;
    }

    [LibraryImport("libc", EntryPoint = "adjtimex")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int AdjTimex(ref byte timex);
}

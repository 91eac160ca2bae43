using System.Runtime.InteropServices;

namespace Vlm.Trainer;

/// <summary>Tells the C library's allocator to keep what tensors free instead of giving it back.</summary>
/// <remarks>
/// Every step allocates and frees the same gigabyte. By default blocks over 128 KiB come fresh from the system each time, page by
/// page: measured, a quarter of the CPU time of a step, and more on virtual machines.
/// </remarks>
internal static partial class NativeMemory
{
    private const int TrimThreshold = -1, TopPad = -2, MmapMax = -4, ArenaMax = -8;   // malloc.h of glibc
    private const int GrowBytes = 256 << 20;

    /// <summary>Does nothing where the C library is not glibc.</summary>
    public static void KeepFreed()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            foreach (var (option, value) in new[] { (MmapMax, 0), (TrimThreshold, int.MaxValue), (TopPad, GrowBytes), (ArenaMax, 1) }) _ = Set(option, value);
        }
        catch (EntryPointNotFoundException)
        {
            // musl has no mallopt; training is only slower there.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int Set(int option, int value);
}

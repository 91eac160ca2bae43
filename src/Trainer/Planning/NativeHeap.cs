using System.Runtime.InteropServices;

namespace Vlm.Trainer.Planning;

/// <summary>Bytes that the C library's allocator has given out: on a CPU, where tensors come from it, the exact count of their memory.</summary>
internal static partial class NativeHeap
{
    /// <summary>Bytes in use now, by tensors and everything else native.</summary>
    /// <exception cref="PlatformNotSupportedException">The C library is not glibc 2.33 or later.</exception>
    public static long InUse()
    {
        try
        {
            var info = Info();
            return info.InUse + info.Mapped;
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            throw new PlatformNotSupportedException("Memory can only be measured on Linux with glibc 2.33 or later. Run 'plan' there; its result holds for other systems.", error);
        }
    }

    /// <summary>The most bytes that were in use while something ran, above those before it.</summary>
    /// <remarks>Another thread looks all the time; a peak shorter than a few microseconds can be missed.</remarks>
    public static long PeakDuring(Action action)
    {
        var before = InUse();
        long most = before;
        using var running = new ManualResetEventSlim();
        var done = false;
        var watcher = new Thread(() =>
        {
            running.Set();
            while (!Volatile.Read(ref done)) most = Math.Max(most, InUse());
        })
        { IsBackground = true, Priority = ThreadPriority.AboveNormal };
        watcher.Start();
        running.Wait();
        try
        {
            action();
        }
        finally
        {
            Volatile.Write(ref done, true);
            watcher.Join();
        }

        return most - before;
    }

    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    private static partial MallInfo Info();

    /// <summary>struct mallinfo2 of malloc.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct MallInfo
    {
        private readonly nint arena, freeChunks, fastChunks, mappedRegions;

        public readonly nint Mapped;

        private readonly nint unused, fastBytes;

        public readonly nint InUse;

        private readonly nint freeBytes, trimmable;
    }
}

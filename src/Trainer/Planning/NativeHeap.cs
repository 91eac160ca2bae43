using System.Runtime.InteropServices;

namespace Vlm.Trainer.Planning;

/// <summary>Bytes that the C library's allocator has given out: on a CPU, where tensors come from it, the exact count of their memory.</summary>
internal static partial class NativeHeap
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(1);

    /// <summary>Bytes in use now, by tensors and everything else native.</summary>
    /// <exception cref="UserException">The C library is not glibc 2.33 or later.</exception>
    public static long InUse()
    {
        try
        {
            var info = Info();
            return info.InUse + info.Mapped;
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            throw new UserException(
                "Memory can only be measured on Linux with glibc 2.33 or later. Run 'plan' there; its result holds for other systems.", error);
        }
    }

    /// <summary>The most bytes that were in use while something ran, above those before it.</summary>
    /// <remarks>
    /// Another thread looks about every millisecond and sleeps between: it must not take a processor from what it watches. A shorter peak can be missed, so
    /// short work should be measured several times.
    /// </remarks>
    public static long PeakDuring(Action action)
    {
        var before = InUse();
        var most = before;
        using var started = new ManualResetEventSlim();
        using var done = new ManualResetEventSlim();
        var watcher = new Thread(() =>
        {
            do
            {
                most = Math.Max(most, InUse());
                started.Set();
            }
            while (!done.Wait(BetweenLooks));
        })
        { IsBackground = true, Priority = ThreadPriority.AboveNormal };
        watcher.Start();
        started.Wait();
        try
        {
            action();
        }
        finally
        {
            done.Set();
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
        private readonly nint _arena, _freeChunks, _fastChunks, _mappedRegions;

        public readonly nint Mapped;

        private readonly nint _unused, _fastBytes;

        public readonly nint InUse;

        private readonly nint _freeBytes, _trimmable;
    }
}

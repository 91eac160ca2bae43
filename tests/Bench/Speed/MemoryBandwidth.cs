using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Vlm.Bench.Speed;

/// <summary>How many bytes a second this machine reads from memory, with as many threads as a decoder has.</summary>
internal static class MemoryBandwidth
{
    private const int Passes = 4, Page = 4096;

    /// <summary>Reads a buffer that no cache holds, from end to end, each thread its own part.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="threads">Threads, at least 1.</param>
    /// <returns>Bytes per second of the fastest pass; the buffer is given back before it returns.</returns>
    public static unsafe double Measure(long bytes, int threads)
    {
        var part = bytes / threads / (4 * Vector<byte>.Count) * (4 * Vector<byte>.Count);
        var buffer = (byte*)NativeMemory.AlignedAlloc((nuint)(part * threads), Page);
        try
        {
            // Pages that nothing was written to are all the same one.
            for (long at = 0; at < part * threads; at += Page) buffer[at] = (byte)at;
            var best = TimeSpan.MaxValue;
            for (var pass = 0; pass < Passes; pass++)
            {
                var began = Stopwatch.GetTimestamp();
                InParallel(threads, thread => Sum(buffer + thread * part, part));
                var took = Stopwatch.GetElapsedTime(began);
                if (took < best) best = took;
            }
            return part * threads / best.TotalSeconds;
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    /// <summary>The sum keeps the reads from being left out.</summary>
    private static unsafe ulong Sum(byte* start, long bytes)
    {
        var (a, b, c, d) = (Vector<ulong>.Zero, Vector<ulong>.Zero, Vector<ulong>.Zero, Vector<ulong>.Zero);
        var width = Vector<byte>.Count;
        for (var at = start; at < start + bytes; at += 4 * width)
        {
            a += Vector.Load((ulong*)at);
            b += Vector.Load((ulong*)(at + width));
            c += Vector.Load((ulong*)(at + 2 * width));
            d += Vector.Load((ulong*)(at + 3 * width));
        }
        return Vector.Sum(a + b + c + d);
    }

    private static void InParallel(int threads, Func<int, ulong> work)
    {
        var sums = new ulong[threads];
        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(thread => new Thread(() => sums[thread] = work(thread)))];
        foreach (var other in others) other.Start();
        sums[0] = work(0);
        foreach (var other in others) other.Join();
        GC.KeepAlive(sums);
    }
}

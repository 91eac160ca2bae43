namespace Vlm.Vision;

/// <summary>
/// Memory for pictures while they are decoded, for the whole process: a few kilobytes of file can hold a hundred megabytes of pixels, and many may come at
/// once.
/// Who finds none left waits for those before, which take well under a second each.
/// </summary>
/// <remarks>Thread-safe; first come, first served. A picture above the whole budget is decoded alone.</remarks>
internal static class DecodeBudget
{
    /// <summary>All there is.</summary>
    public const long Bytes = 128L << 20;

    // Held by the one who is next: nobody overtakes a large picture.
    private static readonly SemaphoreSlim Next = new(1);
    private static readonly object Change = new();
    private static long _taken;

    /// <summary>Waits until so many bytes are free and takes them; disposing gives them back.</summary>
    public static Share Take(long bytes)
    {
        Next.Wait();
        try
        {
            lock (Change)
            {
                while (_taken > 0 && _taken + bytes > Bytes) Monitor.Wait(Change);
                _taken += bytes;
            }
        }
        finally
        {
            Next.Release();
        }
        return new Share(bytes);
    }

    /// <summary>What one decoding has taken.</summary>
    public readonly struct Share(long bytes) : IDisposable
    {
        public void Dispose()
        {
            lock (Change)
            {
                _taken -= bytes;
                Monitor.PulseAll(Change);
            }
        }
    }
}

namespace Vlm.Hosting.Http;

/// <summary>
/// Memory for the bodies of all requests under way, counted as their bytes arrive: a client that sends little takes little, whatever it announces.
/// </summary>
/// <param name="maxBody">Bytes of the largest body that is taken.</param>
/// <remarks>
/// Thread-safe. When it is full the request that needs more is refused at once: were it to wait, requests that are half here would wait for each other.
/// </remarks>
public sealed class BodyMemory(int maxBody)
{
    private const long LeastBytes = 24 << 20;
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);
    private readonly long _bytes = Math.Max(LeastBytes, 2L * maxBody);
    private long _taken;

    /// <summary>A share for one request; what it has grown to is given back when it is disposed.</summary>
    public Share Open() => new(this);

    /// <summary>What one request takes.</summary>
    public sealed class Share(BodyMemory memory) : IDisposable
    {
        private long _own;

        /// <summary>Takes more.</summary>
        /// <exception cref="ApiException">There is none.</exception>
        public void Add(int bytes)
        {
            if (Interlocked.Add(ref memory._taken, bytes) > memory._bytes)
            {
                Interlocked.Add(ref memory._taken, -bytes);
                throw new ApiException(ErrorReason.Busy, "The requests under way fill the memory for bodies; ask again later.", retryAfter: Again);
            }
            _own += bytes;
        }

        /// <summary>Gives all of it back.</summary>
        public void Dispose()
        {
            Interlocked.Add(ref memory._taken, -_own);
            _own = 0;
        }
    }
}

using System.Threading.RateLimiting;
using Vlm.Edge.Queries;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Api;

/// <summary>
/// How many questions are worked on at once. A place is taken when the body is here and not before: clients that send slowly take none from others, and what
/// bodies cost is bounded by the memory that they share. Thread-safe.
/// </summary>
internal sealed class Admission(int places, EdgeMetrics metrics) : IDisposable
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);
    private readonly ConcurrencyLimiter _places = new(new ConcurrencyLimiterOptions { PermitLimit = places, QueueLimit = 0 });

    /// <summary>Takes a place; dispose it to give it back.</summary>
    /// <exception cref="ApiException">There is none.</exception>
    public IDisposable Enter()
    {
        var place = _places.AttemptAcquire();
        if (place.IsAcquired) return new Place(place, metrics.InFlight());
        place.Dispose();
        throw new ApiException(ErrorReason.TooManyRequests, "all places for requests are taken; ask again later", retryAfter: Again);
    }

    public void Dispose() => _places.Dispose();

    private sealed class Place(RateLimitLease place, IDisposable counted) : IDisposable
    {
        public void Dispose()
        {
            counted.Dispose();
            place.Dispose();
        }
    }
}

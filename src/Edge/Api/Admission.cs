using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Vlm.Edge.Queries;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Api;

/// <summary>How many questions are worked on at once: decided before a byte of the body is read, so that a crowd costs no memory. Thread-safe.</summary>
internal sealed class Admission(int places, EdgeMetrics metrics) : IDisposable
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);
    private readonly ConcurrencyLimiter _places = new(new ConcurrencyLimiterOptions { PermitLimit = places, QueueLimit = 0 });

    /// <summary>A handler that takes one of the places, or refuses.</summary>
    public RequestDelegate Placed(RequestDelegate next) => async context =>
    {
        using var place = _places.AttemptAcquire();
        if (!place.IsAcquired) throw new ApiException(ErrorReason.TooManyRequests, "all places for requests are taken; ask again later", retryAfter: Again);
        using var inFlight = metrics.InFlight();
        await next(context);
    };

    public void Dispose() => _places.Dispose();
}

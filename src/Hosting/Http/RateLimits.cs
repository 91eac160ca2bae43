namespace Vlm.Hosting.Http;

/// <summary>How often one key may ask.</summary>
/// <param name="PerMinute">Requests a minute; 0 for no limit.</param>
/// <param name="Burst">Requests that may come at once after a quiet time.</param>
public sealed record RateOptions(int PerMinute, int Burst);

/// <summary>A bucket of requests for every key, so that one client cannot crowd out the others. Thread-safe; as many buckets as there are keys.</summary>
public sealed class RateLimits(RateOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (double Requests, long Stamp)> _buckets = [];

    /// <summary>Takes a request out of a key's bucket.</summary>
    /// <returns>Zero when it may go on; else how long until there is one.</returns>
    public TimeSpan Take(string key)
    {
        if (options.PerMinute == 0) return TimeSpan.Zero;
        var perSecond = options.PerMinute / 60.0;
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var requests = _buckets.TryGetValue(key, out var bucket)
                ? Math.Min(options.Burst, bucket.Requests + (time.GetElapsedTime(bucket.Stamp, now).TotalSeconds * perSecond))
                : options.Burst;
            var isGranted = requests >= 1;
            _buckets[key] = (isGranted ? requests - 1 : requests, now);
            return isGranted ? TimeSpan.Zero : TimeSpan.FromSeconds((1 - requests) / perSecond);
        }
    }
}

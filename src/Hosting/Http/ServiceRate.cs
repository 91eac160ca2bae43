namespace Vlm.Hosting.Http;

/// <summary>How long a worker takes per question, learned from its batches: an exponentially weighted mean, so that old load is forgotten.</summary>
public sealed class ServiceRate
{
    // About the last ten batches count.
    private const double Weight = 0.2;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private double _seconds;

    /// <summary>Adds a batch.</summary>
    public void Observe(int questions, TimeSpan took)
    {
        var each = took.TotalSeconds / Math.Max(1, questions);
        var before = Volatile.Read(ref _seconds);
        Volatile.Write(ref _seconds, before == 0 ? each : before + Weight * (each - before));
    }

    /// <summary>The wait of somebody with so many questions before his own; zero until there is experience.</summary>
    public TimeSpan Wait(int ahead) => TimeSpan.FromSeconds(Volatile.Read(ref _seconds) * Math.Max(0, ahead));

    /// <summary>When there will be room again: 1 second to 1 minute.</summary>
    public TimeSpan RetryAfter(int ahead)
    {
        var wait = Wait(ahead);
        return wait < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : wait > Longest ? Longest : wait;
    }
}

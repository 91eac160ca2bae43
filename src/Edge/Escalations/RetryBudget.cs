namespace Vlm.Edge.Escalations;

/// <summary>
/// A token bucket that keeps repetitions a small share of the calls, whatever fails: an overloaded endpoint is not loaded twofold by its callers.
/// Every call adds <c>ratio</c>, time adds a floor, a repetition takes 1.
/// </summary>
internal sealed class RetryBudget(EscalationOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private double _tokens = options.RetryBurst;
    private long _last = time.GetTimestamp();

    /// <summary>Repetitions that are left.</summary>
    public double Tokens
    {
        get
        {
            lock (_lock)
            {
                Gain(0);
                return _tokens;
            }
        }
    }

    /// <summary>A call begins.</summary>
    public void Call()
    {
        lock (_lock) Gain(options.RetryRatio);
    }

    /// <summary>Takes one repetition, if there is one.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            Gain(0);
            if (_tokens < 1) return false;
            _tokens--;
            return true;
        }
    }

    private void Gain(double more)
    {
        var now = time.GetTimestamp();
        var minutes = time.GetElapsedTime(_last, now).TotalMinutes;
        _last = now;
        _tokens = Math.Min(options.RetryBurst, _tokens + more + (minutes * options.RetriesPerMinute));
    }
}

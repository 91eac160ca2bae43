using System.Diagnostics.Metrics;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Escalations;

/// <summary>Asks the larger model, paid from one budget: for waiting clients and for what is queued alike.</summary>
/// <remarks>Thread-safe. It owns the client that asks, which can be exchanged for another while calls are under way: they end where they began.</remarks>
/// <param name="client">Asks at first.</param>
/// <param name="budget">Pays.</param>
/// <param name="told">Hears how every call ended, for what it says about the way to the endpoints.</param>
internal sealed class PaidClient(EscalationClient client, Budget budget, Action<EscalationResult> told) : IDisposable
{
    // A request around the picture's base64: texts and names.
    private const int RequestBytes = 2048;

    // When to look again whether a bucket or a day has filled.
    private static readonly TimeSpan RateWait = TimeSpan.FromSeconds(10), DayWait = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly HashSet<string> _former = [];
    private InUse _now = new(client);
    private TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the next answer to anybody, and when others are asked from now on.</summary>
    public Task NextAnswer => Volatile.Read(ref _answered).Task;

    /// <inheritdoc cref="EscalationClient.IsBroken"/>
    public bool IsBroken => Now.IsBroken;

    /// <summary>What the budget would say to a question with a picture of so many bytes.</summary>
    public BudgetVerdict View(int pictureBytes) => budget.View(Bytes(pictureBytes));

    /// <summary>Pays and asks; fails with <see cref="EscalationFailure.Budget"/> and without an attempt when the budget is spent.</summary>
    /// <inheritdoc cref="EscalationClient.AskAsync"/>
    public async Task<EscalationResult> AskAsync(Escalation escalation, TimeSpan deadline, CancellationToken cancellation)
    {
        var bytes = Bytes(escalation.Picture.Length);
        var verdict = budget.TryTake(bytes);
        if (verdict != BudgetVerdict.Granted)
            return new EscalationResult.Failed(EscalationFailure.Budget, verdict.Describe(), verdict == BudgetVerdict.Rate ? RateWait : DayWait, 0);
        var used = Enter();
        try
        {
            var result = await used.Client.AskAsync(escalation, deadline, cancellation);
            Settle(result, bytes);
            if (result is EscalationResult.Answered) Wake();
            told(result);
            return result;
        }
        finally
        {
            Leave(used);
        }
    }

    /// <inheritdoc cref="EscalationClient.IsAnyWellAsync"/>
    public async Task<bool> IsAnyWellAsync(CancellationToken cancellation)
    {
        var used = Enter();
        try
        {
            return await used.Client.IsAnyWellAsync(cancellation);
        }
        finally
        {
            Leave(used);
        }
    }

    /// <summary>From now on another client asks; it is owned from here on. The one before is closed when the last of its calls has ended.</summary>
    public void Exchange(EscalationClient next)
    {
        InUse before;
        lock (_lock)
        {
            before = _now;
            _former.UnionWith(before.Client.Breakers.Select(breaker => breaker.Endpoint));
            _now = new InUse(next);
        }
        Retire(before);
        // Whoever waits because the endpoints before failed may try these.
        Wake();
    }

    /// <summary>Shows the retry budget and the breakers; those of endpoints that are not asked any more are closed.</summary>
    public void Measure(EscalationMeters meters)
    {
        meters.WatchBudget(() => Now.RetryTokens);
        meters.WatchBreakers(() =>
        {
            lock (_lock)
            {
                var breakers = _former.ToDictionary(name => name, _ => 0);
                foreach (var (name, state) in _now.Client.Breakers) breakers[name] = state;
                return breakers.Select(breaker => new Measurement<int>(breaker.Value, new KeyValuePair<string, object?>("endpoint", breaker.Key)));
            }
        });
    }

    /// <summary>Closes the client; calls under way break off.</summary>
    public void Dispose() => Now.Dispose();

    private EscalationClient Now
    {
        get
        {
            lock (_lock) return _now.Client;
        }
    }

    private InUse Enter()
    {
        lock (_lock)
        {
            _now.Calls++;
            return _now;
        }
    }

    private void Leave(InUse used)
    {
        bool isOver;
        lock (_lock) isOver = --used.Calls == 0 && used.IsRetired;
        if (isOver) used.Client.Dispose();
    }

    private void Retire(InUse used)
    {
        bool isOver;
        lock (_lock)
        {
            used.IsRetired = true;
            isOver = used.Calls == 0;
        }
        if (isOver) used.Client.Dispose();
    }

    private void Wake() =>
        Interlocked.Exchange(ref _answered, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    /// <summary>Charges what the attempts cost beyond what was paid in advance, or gives it back when none reached an endpoint.</summary>
    private void Settle(EscalationResult result, long paidBytes)
    {
        if (result is EscalationResult.Failed { Reason: EscalationFailure.Offline } || result.Attempts == 0) budget.Refund(paidBytes);
        else budget.Charge(result.Attempts - 1, result.BytesSent - paidBytes);
    }

    private static long Bytes(int pictureBytes) => ((pictureBytes + 2L) / 3 * 4) + RequestBytes;

    /// <summary>A client and the calls that are under way in it; guarded by the lock.</summary>
    private sealed class InUse(EscalationClient client)
    {
        public EscalationClient Client => client;

        public int Calls { get; set; }

        public bool IsRetired { get; set; }
    }
}

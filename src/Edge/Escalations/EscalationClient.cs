using System.Diagnostics;
using System.Threading.RateLimiting;
using Polly.CircuitBreaker;

namespace Vlm.Edge.Escalations;

/// <summary>
/// Asks the larger model: concurrency limit, deadline, at most one more attempt, then per endpoint breaker and attempt timeout. The only place that
/// repeats anything: layers that each repeat multiply.
/// </summary>
/// <remarks>
/// An escalation is sent at most <see cref="MaxAttempts"/> times, whatever fails and however many endpoints there are. The second attempt goes to the next
/// endpoint if there is one (another authority: no wait, and no share of the retry budget), else to the same one, if that may help, if the wait fits the
/// deadline and if the budget allows. An endpoint whose breaker is open is passed over without an attempt.
/// </remarks>
internal sealed class EscalationClient : IDisposable
{
    /// <summary>Requests per escalation at most.</summary>
    public const int MaxAttempts = 2;

    private readonly EscalationOptions _options;
    private readonly Instruments _instruments;
    private readonly TimeProvider _time;
    private readonly Endpoint[] _endpoints;
    private readonly RetryBudget _budget;
    private readonly ConcurrencyLimiter _places;

    /// <summary>A client of checked options.</summary>
    public EscalationClient(EscalationOptions options, Instruments instruments)
    {
        (_options, _instruments, _time) = (options, instruments, instruments.Time);
        _endpoints = [.. options.Endpoints.Select(own => new Endpoint(own, options, instruments))];
        _budget = new RetryBudget(options, _time);
        _places = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = options.Concurrency, QueueLimit = options.Waiting });
    }

    /// <summary>Repetitions that the retry budget holds.</summary>
    public double RetryTokens => _budget.Tokens;

    /// <summary>The endpoints' names and the states of their breakers: 0 closed, 1 half open, 2 open.</summary>
    public IEnumerable<(string Endpoint, int State)> Breakers => _endpoints.Select(endpoint => (endpoint.Own.Name, Number(endpoint.State)));

    /// <summary>Whether the breakers of all endpoints are open: nothing would be sent.</summary>
    public bool IsBroken => _endpoints.All(endpoint => endpoint.State is CircuitState.Open or CircuitState.Isolated);

    /// <summary>Asks, and gives up at the deadline.</summary>
    /// <param name="escalation">The question.</param>
    /// <param name="deadline">How long the caller waits at most, above zero.</param>
    /// <param name="cancellation">The caller leaves.</param>
    /// <returns>The answer or the reason why not; never throws for what the network does.</returns>
    public async Task<EscalationResult> AskAsync(Escalation escalation, TimeSpan deadline, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(escalation);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(deadline, TimeSpan.Zero);
        using var expiry = new CancellationTokenSource(deadline, _time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(expiry.Token, cancellation);
        var call = new Call(escalation, deadline, _time.GetTimestamp(), cancellation, ended.Token);
        var result = await PlacedAsync(call);
        _instruments.Meters.Ended(result, _time.GetElapsedTime(call.Started));
        return result;
    }

    /// <summary>Whether some endpoint says that it is well, or has no way to say so.</summary>
    public async Task<bool> IsAnyWellAsync(CancellationToken cancellation)
    {
        foreach (var endpoint in _endpoints)
        {
            if (await endpoint.IsWellAsync(cancellation)) return true;
        }

        return false;
    }

    public void Dispose()
    {
        _places.Dispose();
        foreach (var endpoint in _endpoints) endpoint.Dispose();
    }

    /// <summary>Waits for a place among the calls under way, which counts against the deadline, and asks.</summary>
    private async Task<EscalationResult> PlacedAsync(Call call)
    {
        try
        {
            using var place = await _places.AcquireAsync(1, call.Ended);
            return place.IsAcquired
                ? await AttemptsAsync(call)
                : Result(
                    call,
                    new Attempt.Failed(EscalationFailure.Overloaded, $"{_options.Concurrency} calls are under way and {_options.Waiting} wait"),
                    default);
        }
        catch (OperationCanceledException) when (call.Ended.IsCancellationRequested)
        {
            return Result(call, call.GiveUp(), default);
        }
    }

    private async Task<EscalationResult> AttemptsAsync(Call call)
    {
        _budget.Call();
        var sent = new Sent(0, 0);
        var first = 0;
        for (var attempt = 1; ; attempt++)
        {
            var (outcome, endpoint, bytes) = await AttemptAsync(call, first);
            if (endpoint is null) return Result(call, outcome, sent);
            sent = new Sent(sent.Attempts + 1, sent.Bytes + bytes);
            if (outcome is not Attempt.Failed failed || attempt == MaxAttempts || call.Ended.IsCancellationRequested) return Result(call, outcome, sent);
            var next = Plan(call, failed, endpoint.Value);
            if (next.Endpoint is not { } again) return Result(call, next.Failure ?? failed, sent);
            if (!await WaitAsync(next.Delay, call)) return Result(call, call.GiveUp(), sent);
            first = again;
        }
    }

    /// <summary>One attempt, at the first endpoint from an index on that takes it.</summary>
    /// <returns>How it ended, the index of the endpoint and the bytes of the request; no endpoint when none took it and nothing was sent.</returns>
    private async Task<(Attempt Outcome, int? Endpoint, int Bytes)> AttemptAsync(Call call, int first)
    {
        var refusal = new Attempt.Failed(EscalationFailure.BreakerOpen, "no endpoint is left");
        TimeSpan? wait = null;
        for (var index = first; index < _endpoints.Length; index++)
        {
            var endpoint = _endpoints[index];
            if (endpoint.Body(call.Escalation) is not { } body)
            {
                refusal = new Attempt.Failed(EscalationFailure.TooLarge,
                    $"{endpoint.Own.Name}: the request is above the limit of {endpoint.Own.BodyLimitBytes} bytes");
                continue;
            }

            var outcome = await endpoint.AskAsync(call, body, call.Left(_time));
            if (outcome is not Attempt.NotSent(var breaker)) return (outcome, index, body.Length);
            wait = wait is { } before && before < breaker ? before : breaker;
        }

        return (wait is null ? refusal : new Attempt.Failed(EscalationFailure.BreakerOpen, "the breaker is open") { RetryAfter = wait }, null, 0);
    }

    /// <summary>Where the next attempt goes and when; no endpoint when there is none, and then the failure that is reported, if it is another.</summary>
    private (int? Endpoint, TimeSpan Delay, Attempt.Failed? Failure) Plan(Call call, Attempt.Failed failed, int tried)
    {
        if (tried + 1 < _endpoints.Length) return (tried + 1, TimeSpan.Zero, null);
        if (!failed.MayRepeat) return (null, default, null);
        var delay = failed.RetryAfter ?? TimeSpan.FromSeconds(_options.RetryDelaySeconds * (0.5 + (0.5 * _instruments.Random())));
        if (delay >= call.Left(_time)) return (null, default, null);
        return _budget.TryTake()
            ? (tried, delay, null)
            : (null, default, failed with { Reason = EscalationFailure.RetryBudget, Detail = $"too many repetitions lately; the attempt: {failed.Detail}" });
    }

    /// <returns>False when the call ended meanwhile.</returns>
    private async Task<bool> WaitAsync(TimeSpan delay, Call call)
    {
        try
        {
            await Task.Delay(delay, _time, call.Ended);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private EscalationResult Result(Call call, Attempt attempt, Sent sent) => attempt switch
    {
        Attempt.Answered answered => new EscalationResult.Answered(
            answered.Answer, answered.Model, _time.GetElapsedTime(call.Started), sent.Attempts, sent.Bytes, answered.Confidence)
        {
            Status = answered.Status,
            Calibrated = answered.Calibrated,
            IsCertified = answered.IsCertified,
        },
        Attempt.Failed failed => new EscalationResult.Failed(failed.Reason, failed.Detail, failed.RetryAfter, sent.Attempts, failed.Status, sent.Bytes),
        _ => throw new UnreachableException(),
    };

    private static int Number(CircuitState state) => state switch
    {
        CircuitState.Closed => 0,
        CircuitState.HalfOpen => 1,
        _ => 2,
    };

    /// <summary>Requests that went out, and their bytes.</summary>
    private readonly record struct Sent(int Attempts, long Bytes);
}

/// <summary>One escalation on its way.</summary>
/// <param name="Escalation">The question.</param>
/// <param name="Deadline">How long the caller waits.</param>
/// <param name="Started">Timestamp of the call.</param>
/// <param name="Caller">Cancelled when the caller left.</param>
/// <param name="Ended">Cancelled when the caller left or the deadline passed.</param>
internal sealed record Call(Escalation Escalation, TimeSpan Deadline, long Started, CancellationToken Caller, CancellationToken Ended)
{
    /// <summary>Time until the deadline; below zero once it has passed.</summary>
    public TimeSpan Left(TimeProvider time) => Deadline - time.GetElapsedTime(Started);

    /// <summary>The end of a call that was not answered in time: the fault of nobody who was asked.</summary>
    public Attempt.Failed GiveUp() => Caller.IsCancellationRequested
        ? new Attempt.Failed(EscalationFailure.Cancelled, "the caller left")
        : new Attempt.Failed(EscalationFailure.Timeout, $"the deadline of {Deadline.TotalSeconds} s passed");
}

using System.Diagnostics.Metrics;
using System.Threading.RateLimiting;
using Polly;
using Polly.CircuitBreaker;
using Polly.RateLimiting;
using Polly.Retry;
using Polly.Timeout;

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

    private static readonly ResiliencePropertyKey<EscalationCall> CallKey = new("call");

    private readonly EscalationOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<double> _random;
    private readonly EscalationMeters _meters;
    private readonly Endpoint[] _endpoints;
    private readonly RetryBudget _budget;
    private readonly ConcurrencyLimiter _limiter;
    private readonly ResiliencePipeline<Attempt> _pipeline;

    /// <summary>A client of checked options.</summary>
    /// <param name="options">Checked options.</param>
    /// <param name="clients">HTTP clients, registered by <see cref="EscalationServices"/>.</param>
    /// <param name="meters">Numbers.</param>
    /// <param name="time">Clock.</param>
    /// <param name="random">Draws from [0, 1), from several threads.</param>
    public EscalationClient(EscalationOptions options, IHttpClientFactory clients, EscalationMeters meters, TimeProvider time, Func<double> random)
    {
        (_options, _time, _random, _meters) = (options, time, random, meters);
        _endpoints = [.. options.Endpoints.Select(own => new Endpoint(own, options, clients, meters, time))];
        _budget = new RetryBudget(options, time);
        _limiter = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = options.Concurrency, QueueLimit = options.Waiting });
        _pipeline = Pipeline();
        meters.WatchBudget(() => _budget.Tokens);
        meters.WatchBreakers(() => _endpoints.Select(endpoint => new Measurement<int>(Number(endpoint.State), new KeyValuePair<string, object?>("endpoint", endpoint.Own.Name))));
    }

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
        var call = new EscalationCall(escalation, deadline, _time.GetTimestamp(), cancellation);
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellation);
        context.Properties.Set(CallKey, call);
        EscalationResult result;
        try
        {
            result = Result(call, await _pipeline.ExecuteAsync(static (context, client) => client.Next(context), context, this).ConfigureAwait(false));
        }
        catch (TimeoutRejectedException)
        {
            result = Failure(call, new Attempt.Failed(EscalationFailure.Timeout, $"the deadline of {deadline.TotalSeconds} s passed"));
        }
        catch (RateLimiterRejectedException)
        {
            result = Failure(call, new Attempt.Failed(EscalationFailure.Overloaded, $"{_options.Concurrency} calls are under way and {_options.Waiting} wait"));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            result = Failure(call, new Attempt.Failed(EscalationFailure.Cancelled, "the caller left"));
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }

        _meters.Ended(result, call.Elapsed(_time));
        return result;
    }

    /// <summary>Whether some endpoint says that it is well, or has no way to say so.</summary>
    public async Task<bool> IsAnyWell(CancellationToken cancellation)
    {
        foreach (var endpoint in _endpoints)
        {
            if (await endpoint.IsWell(cancellation).ConfigureAwait(false)) return true;
        }

        return false;
    }

    public void Dispose() => _limiter.Dispose();

    private ResiliencePipeline<Attempt> Pipeline() => new ResiliencePipelineBuilder<Attempt> { TimeProvider = _time }
        .AddRateLimiter(new RateLimiterStrategyOptions { RateLimiter = arguments => Place(arguments.Context) })
        .AddTimeout(new TimeoutStrategyOptions { TimeoutGenerator = arguments => ValueTask.FromResult(Left(Call(arguments.Context))) })
        .AddRetry(new RetryStrategyOptions<Attempt>
        {
            MaxRetryAttempts = MaxAttempts - 1,
            ShouldHandle = arguments => ValueTask.FromResult(
                arguments.Outcome.Result is Attempt.Failed failed && Plan(Call(arguments.Context), failed)),
            DelayGenerator = arguments => ValueTask.FromResult<TimeSpan?>(Call(arguments.Context).Delay),
        })
        .Build();

    /// <summary>A place among the calls under way. Waiting for it counts against the deadline.</summary>
    private async ValueTask<RateLimitLease> Place(ResilienceContext context)
    {
        var call = Call(context);
        using var deadline = new CancellationTokenSource(call.Deadline, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, context.CancellationToken);
        try
        {
            return await _limiter.AcquireAsync(1, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutRejectedException("the deadline passed while waiting for a place", call.Deadline);
        }
    }

    /// <summary>One attempt at the first endpoint from the call's rung on that lets it through.</summary>
    private async ValueTask<Attempt> Next(ResilienceContext context)
    {
        var call = Call(context);
        var wait = TimeSpan.MaxValue;
        if (call.Attempts == 0) _budget.Call();
        for (; call.Rung < _endpoints.Length; call.Rung++)
        {
            var endpoint = _endpoints[call.Rung];
            if (endpoint.Body(call.Escalation) is not { } body)
            {
                call.Last = new Attempt.Failed(EscalationFailure.TooLarge, $"{endpoint.Own.Name}: the request is above the limit of {endpoint.Own.BodyLimitBytes} bytes");
                continue;
            }

            try
            {
                call.Attempts++;
                call.BytesSent += body.Length;
                return await endpoint.Ask(call, body, Left(call), context.CancellationToken).ConfigureAwait(false);
            }
            catch (BrokenCircuitException broken)
            {
                call.Attempts--;
                call.BytesSent -= body.Length;
                wait = broken.RetryAfter is { } after && after < wait ? after : wait;
            }
        }

        if (wait < TimeSpan.MaxValue) return new Attempt.Failed(EscalationFailure.BreakerOpen, "the breaker is open") { RetryAfter = wait };
        return call.Last ?? new Attempt.Failed(EscalationFailure.BreakerOpen, "no endpoint is left");
    }

    /// <summary>Whether there is another attempt; if so, where and when is noted in the call.</summary>
    private bool Plan(EscalationCall call, Attempt.Failed failed)
    {
        call.Last = failed;
        // Without an attempt there was no endpoint to try, and Next has tried them all.
        if (call.Attempts is 0 or >= MaxAttempts || call.Elapsed(_time) >= call.Deadline) return false;
        if (call.Rung + 1 < _endpoints.Length)
        {
            (call.Rung, call.Delay) = (call.Rung + 1, TimeSpan.Zero);
            return true;
        }

        if (!failed.MayRepeat) return false;
        var delay = failed.RetryAfter ?? TimeSpan.FromSeconds(_options.RetryDelaySeconds * (0.5 + (0.5 * _random())));
        if (delay >= Left(call)) return false;
        call.IsOutOfBudget = !_budget.TryTake();
        call.Delay = delay;
        return !call.IsOutOfBudget;
    }

    private EscalationResult Result(EscalationCall call, Attempt attempt) => attempt switch
    {
        Attempt.Answered answered => new EscalationResult.Answered(
            answered.Answer, answered.Model, call.Elapsed(_time), call.Attempts, call.BytesSent, answered.Confidence),
        Attempt.Failed failed when call.IsOutOfBudget => Failure(
            call, failed with { Reason = EscalationFailure.RetryBudget, Detail = $"too many repetitions lately; the attempt: {failed.Detail}" }),
        Attempt.Failed failed => Failure(call, failed),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static EscalationResult.Failed Failure(EscalationCall call, Attempt.Failed failed) =>
        new(failed.Reason, failed.Detail, failed.RetryAfter, call.Attempts, failed.Status, call.BytesSent);

    /// <summary>Polly takes no timeout below 10 ms; a deadline that has passed ends in that time.</summary>
    private TimeSpan Left(EscalationCall call)
    {
        var left = call.Deadline - call.Elapsed(_time);
        return left > TimeSpan.FromMilliseconds(10) ? left : TimeSpan.FromMilliseconds(10);
    }

    private static EscalationCall Call(ResilienceContext context) => context.Properties.GetValue(CallKey, null!);

    private static int Number(CircuitState state) => state switch
    {
        CircuitState.Closed => 0,
        CircuitState.HalfOpen => 1,
        _ => 2,
    };
}

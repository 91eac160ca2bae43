using System.Diagnostics;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;
using Vlm.Vision;

namespace Vlm.Edge.Queries;

/// <summary>What became of asking the larger model.</summary>
internal abstract record Asked
{
    private Asked()
    {
    }

    public sealed record Answered(EscalationResult.Answered Result) : Asked;

    public sealed record Failed(EscalationResult.Failed Result) : Asked;

    /// <summary>Between the decision and the call somebody else took the last of the budget.</summary>
    public sealed record NotPaid(BudgetVerdict Verdict) : Asked;

    /// <summary>The picture cannot be made small enough to send.</summary>
    public sealed record NotSent(string Problem) : Asked;
}

/// <summary>The way to the larger model: prepares the picture, pays, asks or queues, and remembers whether the way was open.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class Escalator : IDisposable
{
    // A request around the picture's base64: texts and names.
    private const int RequestBytes = 2048;

    // How long the worker waits for a bucket or a day to fill again before it asks again.
    private static readonly TimeSpan RateWait = TimeSpan.FromSeconds(10), DayWait = TimeSpan.FromMinutes(10);

    // One picture at a time is pixels here, whatever waits.
    private readonly SemaphoreSlim _preparing = new(1);
    private readonly EscalationClient _client;
    private readonly EscalationQueue _queue;
    private readonly Budget _budget;
    private readonly PictureRules _rules;
    private readonly TimeProvider _clock;
    private readonly LinkState _link;

    public Escalator(EscalationClient client, EscalationQueue queue, Budget budget, PictureRules rules, TimeProvider clock) =>
        (_client, _queue, _budget, _rules, _clock, _link) = (client, queue, budget, rules, clock, new LinkState(clock));

    /// <summary>The same purse for what is asked behind.</summary>
    public Payment Payment => new(
        escalation => _budget.TryTake(Bytes(escalation.Picture.Length)) switch
        {
            BudgetVerdict.Granted => null,
            BudgetVerdict.Rate => RateWait,
            _ => DayWait,
        },
        (escalation, result) => Settle(result, Bytes(escalation.Picture.Length)));

    /// <summary>Whether the way is open.</summary>
    public Link Link => _client.IsBroken ? Link.BreakerOpen : _link.Now;

    /// <summary>What the budget would say to this question.</summary>
    public BudgetVerdict View(Query query) => _budget.View(Bytes(Math.Min(query.Picture.Length, _rules.MaxBytes)));

    /// <summary>Asks and waits.</summary>
    /// <param name="query">The question.</param>
    /// <param name="localAnswer">What the box would answer.</param>
    /// <param name="why">Why it is asked.</param>
    /// <param name="until">When the answer must be here, from the query's start.</param>
    /// <param name="gone">Whether the client still waits.</param>
    public async Task<Asked> AskAsync(Query query, string? localAnswer, EscalationReason why, TimeSpan until, CancellationToken gone)
    {
        var (escalation, problem) = await PrepareAsync(query, localAnswer, why);
        if (escalation is null) return new Asked.NotSent(problem);
        var left = until - _clock.GetElapsedTime(query.Started);
        if (left <= TimeSpan.Zero) return new Asked.Failed(new EscalationResult.Failed(EscalationFailure.Timeout, "no time was left to ask", null, 0));
        var bytes = Bytes(escalation.Picture.Length);
        var verdict = _budget.TryTake(bytes);
        if (verdict != BudgetVerdict.Granted) return new Asked.NotPaid(verdict);
        var result = await _client.AskAsync(escalation, left, gone);
        _link.Note(result);
        Settle(result, bytes);
        return result switch
        {
            EscalationResult.Answered answered => new Asked.Answered(answered),
            EscalationResult.Failed failed => new Asked.Failed(failed),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>Puts the question into the durable _queue.</summary>
    /// <returns>Null when it lies there, safe; else why not.</returns>
    public async Task<string?> QueueAsync(Query query, string? localAnswer, EscalationReason why)
    {
        var (escalation, problem) = await PrepareAsync(query, localAnswer, why);
        return escalation is null ? problem : _queue.TryEnqueue(escalation) switch
        {
            EnqueueResult.Accepted or EnqueueResult.Duplicate => null,
            EnqueueResult.Rejected(var reason, var detail) => $"the queue did not take it ({EscalationMeters.Label(reason)}): {detail}",
            _ => throw new UnreachableException(),
        };
    }

    public void Dispose() => _preparing.Dispose();

    /// <summary>Charges what the attempts cost beyond what was paid in advance, or gives it back when none reached an endpoint.</summary>
    private void Settle(EscalationResult result, long paidBytes)
    {
        if (result is EscalationResult.Failed { Attempts: 0 } or EscalationResult.Failed { Reason: EscalationFailure.Offline })
        {
            _budget.Refund(paidBytes);
            return;
        }
        var (attempts, sent) = result switch
        {
            EscalationResult.Answered answered => (answered.Attempts, answered.BytesSent),
            EscalationResult.Failed failed => (failed.Attempts, failed.BytesSent),
            _ => throw new UnreachableException(),
        };
        _budget.Charge(attempts - 1, sent - paidBytes);
    }

    private async Task<(Escalation? Escalation, string Problem)> PrepareAsync(Query query, string? localAnswer, EscalationReason why)
    {
        await _preparing.WaitAsync();
        try
        {
            var picture = _rules.Apply(ImageCodec.Decode(query.Picture));
            return (new Escalation(query.Id, picture, query.Code, _clock.GetUtcNow(), localAnswer, why), "");
        }
        catch (PictureException e)
        {
            return (null, e.Message);
        }
        finally
        {
            _preparing.Release();
        }
    }

    private static long Bytes(int pictureBytes) => ((pictureBytes + 2L) / 3 * 4) + RequestBytes;
}

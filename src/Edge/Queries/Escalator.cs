using System.Diagnostics;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Edge.Queries;

/// <summary>The way to the larger model: prepares the picture, asks or queues, and remembers whether the way was open.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class Escalator(PaidClient client, EscalationQueue queue, PictureRules rules, TimeProvider clock) : IDisposable
{
    // One picture at a time is pixels here, whatever waits.
    private readonly SemaphoreSlim _preparing = new(1);
    private readonly LinkState _link = new(clock);

    /// <summary>Whether the way is open.</summary>
    public Link Link => client.IsBroken ? Link.BreakerOpen : _link.Now;

    /// <summary>What the budget would say to this question.</summary>
    public BudgetVerdict View(Query query) => client.View(Math.Min(query.Picture.Length, rules.MaxBytes));

    /// <summary>Asks and waits.</summary>
    /// <param name="query">The question.</param>
    /// <param name="localAnswer">What the box would answer.</param>
    /// <param name="why">Why it is asked.</param>
    /// <param name="margin">What must be left of the deadline when the answer is here.</param>
    /// <param name="gone">Cancelled when the client no longer waits.</param>
    public async Task<EscalationResult> AskAsync(Query query, string? localAnswer, EscalationReason why, TimeSpan margin, CancellationToken gone)
    {
        var (escalation, problem) = await PrepareAsync(query, localAnswer, why);
        if (escalation is null) return new EscalationResult.Failed(EscalationFailure.TooLarge, problem, null, 0);
        var left = query.Deadline.Left - margin;
        if (left <= TimeSpan.Zero) return new EscalationResult.Failed(EscalationFailure.Timeout, "no time was left to ask", null, 0);
        var result = await client.AskAsync(escalation, left, gone);
        _link.Note(result);
        return result;
    }

    /// <summary>Puts the question into the durable queue.</summary>
    /// <returns>Null when it lies there, safe; else why not.</returns>
    public async Task<string?> QueueAsync(Query query, string? localAnswer, EscalationReason why)
    {
        var (escalation, problem) = await PrepareAsync(query, localAnswer, why);
        return escalation is null ? problem : queue.TryEnqueue(escalation) switch
        {
            EnqueueResult.Accepted or EnqueueResult.Duplicate => null,
            EnqueueResult.Rejected(var reason, var detail) => $"the queue did not take it ({reason.ToLabel()}): {detail}",
            _ => throw new UnreachableException(),
        };
    }

    public void Dispose() => _preparing.Dispose();

    private async Task<(Escalation? Escalation, string Problem)> PrepareAsync(Query query, string? localAnswer, EscalationReason why)
    {
        await _preparing.WaitAsync();
        try
        {
            var picture = rules.Apply(ImageCodec.Read(query.Picture, rules.EnoughPixels).Image);
            return (new Escalation(query.Id, picture, query.Code, clock.GetUtcNow(), localAnswer, why) { AskedBy = query.AskedBy }, "");
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
}

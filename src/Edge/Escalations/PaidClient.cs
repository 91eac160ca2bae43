using Vlm.Edge.Routing;

namespace Vlm.Edge.Escalations;

/// <summary>Asks the larger model, paid from one budget: for waiting clients and for what is queued alike.</summary>
/// <remarks>Thread-safe.</remarks>
/// <param name="client">Asks.</param>
/// <param name="budget">Pays.</param>
/// <param name="told">Hears how every call ended, for what it says about the way to the endpoints.</param>
internal sealed class PaidClient(EscalationClient client, Budget budget, Action<EscalationResult> told)
{
    // A request around the picture's base64: texts and names.
    private const int RequestBytes = 2048;

    // When to look again whether a bucket or a day has filled.
    private static readonly TimeSpan RateWait = TimeSpan.FromSeconds(10), DayWait = TimeSpan.FromMinutes(10);

    private TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the next answer to anybody.</summary>
    public Task NextAnswer => Volatile.Read(ref _answered).Task;

    /// <inheritdoc cref="EscalationClient.IsBroken"/>
    public bool IsBroken => client.IsBroken;

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
        var result = await client.AskAsync(escalation, deadline, cancellation);
        Settle(result, bytes);
        if (result is EscalationResult.Answered)
            Interlocked.Exchange(ref _answered, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        told(result);
        return result;
    }

    /// <inheritdoc cref="EscalationClient.IsAnyWellAsync"/>
    public Task<bool> IsAnyWellAsync(CancellationToken cancellation) => client.IsAnyWellAsync(cancellation);

    /// <summary>Charges what the attempts cost beyond what was paid in advance, or gives it back when none reached an endpoint.</summary>
    private void Settle(EscalationResult result, long paidBytes)
    {
        if (result is EscalationResult.Failed { Reason: EscalationFailure.Offline } || result.Attempts == 0) budget.Refund(paidBytes);
        else budget.Charge(result.Attempts - 1, result.BytesSent - paidBytes);
    }

    private static long Bytes(int pictureBytes) => ((pictureBytes + 2L) / 3 * 4) + RequestBytes;
}

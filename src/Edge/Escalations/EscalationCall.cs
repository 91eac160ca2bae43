namespace Vlm.Edge.Escalations;

/// <summary>One escalation on its way.</summary>
internal sealed class EscalationCall(Escalation escalation, TimeSpan deadline, long started, CancellationToken caller)
{
    public Escalation Escalation { get; } = escalation;

    /// <summary>Cancelled when the caller left.</summary>
    public CancellationToken Caller { get; } = caller;

    public TimeSpan Deadline { get; } = deadline;

    /// <summary>Index of the endpoint whose turn it is.</summary>
    public int Rung { get; set; }

    /// <summary>Requests sent.</summary>
    public int Attempts { get; set; }

    public long BytesSent { get; set; }

    /// <summary>Wait before the next attempt.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Whether another attempt was called for, and the retry budget had none.</summary>
    public bool IsOutOfBudget { get; set; }

    /// <summary>What the last attempt came to.</summary>
    public Attempt.Failed? Last { get; set; }

    public TimeSpan Elapsed(TimeProvider time) => time.GetElapsedTime(started);
}

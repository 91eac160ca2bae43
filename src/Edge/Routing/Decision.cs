namespace Vlm.Edge.Routing;

/// <summary>Why a question goes to the larger model. Also a metric label, in snake case.</summary>
internal enum EscalationReason
{
    /// <summary>The local reply breaks a rule that no right reply breaks.</summary>
    HardFailure,

    /// <summary>The gate's confidence is below the certified threshold.</summary>
    LowConfidence,

    /// <summary>The local answer stands; it is checked in the background.</summary>
    Audit,

    /// <summary>The mode sends everything.</summary>
    Always,
}

/// <summary>
/// Why an answer that the gate did not accept is given all the same. Also a metric label, in snake case: nobody gets an unconfident answer without its reason.
/// </summary>
internal enum DegradedReason
{
    /// <summary>The mode is local-only, so there is nobody else to ask.</summary>
    LocalOnly,

    /// <summary>The picture shows no decoder, which the larger model would not change.</summary>
    NoDecoder,

    /// <summary>The mode is answer-now: the better answer is asked for in the background, and comes as a correction.</summary>
    Queued,

    /// <summary>The mode is answer-now and the durable queue did not take the question.</summary>
    QueueFull,

    /// <summary>No connection to the endpoint.</summary>
    Offline,

    /// <summary>The budget of calls, bytes or money is spent.</summary>
    Budget,

    /// <summary>The circuit breaker is open: the endpoint failed too often just now.</summary>
    BreakerOpen,

    /// <summary>The larger model did not answer in time, or there was no time left to ask it.</summary>
    Deadline,

    /// <summary>The endpoint refused the request (4xx), or it was too large to send.</summary>
    Rejected,

    /// <summary>The endpoint is overloaded (429, 503) and there was no time for another try.</summary>
    Overloaded,

    /// <summary>The endpoint failed (5xx, or a broken reply on the wire).</summary>
    ServerError,

    /// <summary>The larger model answered, but not with an answer that parses and passes the verifiers.</summary>
    BadAnswer,
}

/// <summary>What to do with a local answer.</summary>
internal abstract record Decision
{
    private Decision()
    {
    }

    /// <summary>The local answer stands.</summary>
    public sealed record Accept : Decision;

    /// <summary>The local answer stands, and is checked by the larger model in the background.</summary>
    public sealed record AcceptAndAudit : Decision;

    /// <summary>The larger model is asked, within the deadline.</summary>
    public sealed record Escalate(EscalationReason Reason) : Decision;

    /// <summary>The local answer is given, marked as degraded, with the reason.</summary>
    /// <param name="Reason">Why nobody better answered.</param>
    /// <param name="InBackground">Why the larger model is asked in the background, through the durable queue; null when it is not.</param>
    public sealed record AnswerDegraded(DegradedReason Reason, EscalationReason? InBackground = null) : Decision;
}

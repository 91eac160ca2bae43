using Vlm.Cryptogram;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Escalations;

/// <summary>A question for the larger model.</summary>
/// <param name="Id">
/// 1 to 200 characters of printable ASCII, one per logical question. It is the idempotency key and the request id: the same across retries, endpoints and
/// restarts.
/// </param>
/// <param name="Picture">The picture as it will be sent: PNG or JPEG, already cropped, masked and made small enough.</param>
/// <param name="Code">The code in its normal form, <c>q x _ a y f</c>.</param>
/// <param name="Created">When the question was asked.</param>
/// <param name="LocalAnswer">What the box answered; null when it had nothing.</param>
/// <param name="Reason">Why the question leaves the box.</param>
internal sealed record Escalation(string Id, byte[] Picture, string Code, DateTimeOffset Created, string? LocalAnswer, EscalationReason Reason)
{
    /// <summary>Name of the key that asked; empty where none was needed. It stays on the box.</summary>
    public string AskedBy { get; init; } = "";
}

/// <summary>Why the larger model's answer is not there. Also a metric label, in snake case.</summary>
internal enum EscalationFailure
{
    /// <summary>No connection: refused, unreachable, unknown name, or a TLS handshake that failed.</summary>
    Offline,

    /// <summary>An attempt or the whole deadline ran out.</summary>
    Timeout,

    /// <summary>The endpoint refuses this request (4xx); sending it again would not help.</summary>
    Rejected,

    /// <summary>429, 503, 409, or all places of the client's own concurrency limit taken.</summary>
    Overloaded,

    /// <summary>5xx, or a reply that breaks off on the wire.</summary>
    ServerError,

    /// <summary>A reply that is no JSON, has no finish reason, cannot be parsed or fails the verifiers.</summary>
    BadAnswer,

    /// <summary>The breakers of all endpoints are open.</summary>
    BreakerOpen,

    /// <summary>Another attempt was called for, but too large a share of the calls are repetitions already.</summary>
    RetryBudget,

    /// <summary>The request is above the body limit of every endpoint.</summary>
    TooLarge,

    /// <summary>The caller gave up.</summary>
    Cancelled,

    /// <summary>The budget of calls, bytes or money is spent; nothing was sent.</summary>
    Budget,
}

/// <summary>What became of an escalation.</summary>
internal abstract record EscalationResult
{
    private EscalationResult(int attempts, long bytesSent) => (Attempts, BytesSent) = (attempts, bytesSent);

    /// <summary>Requests sent: 0 to 2.</summary>
    public int Attempts { get; }

    /// <summary>Bytes of all request bodies sent.</summary>
    public long BytesSent { get; }

    /// <summary>The larger model's answer, which passed every check.</summary>
    /// <param name="Answer">The message in lower case.</param>
    /// <param name="Model">The model as the endpoint names it.</param>
    /// <param name="Took">From the call to the answer, waiting included.</param>
    /// <param name="Attempts">Requests sent: 1 or 2.</param>
    /// <param name="BytesSent">Bytes of all request bodies sent.</param>
    /// <param name="Confidence">Geometric mean of the token probabilities, when the endpoint tells them. Evidence only: servers differ in what they
    /// count.</param>
    public sealed record Answered(string Answer, string Model, TimeSpan Took, int Attempts, long BytesSent, double? Confidence = null)
        : EscalationResult(Attempts, BytesSent)
    {
        /// <summary>What the picture lets the larger model say.</summary>
        public AnswerStatus Status { get; init; }

        /// <summary>Calibrated probability that the answer is right, by the larger model's own gate; null when the endpoint has none.</summary>
        public double? Calibrated { get; init; }

        /// <summary>Whether the larger model's own gate accepts the answer: only then it is as good as certain.</summary>
        public bool IsCertified { get; init; }
    }

    /// <summary>No answer that may be used.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Detail">The same for people.</param>
    /// <param name="RetryAfter">How long the endpoint asks to be left alone; null when it did not say.</param>
    /// <param name="Attempts">Requests sent: 0 to 2.</param>
    /// <param name="Status">HTTP status of the last reply; null when there was none.</param>
    /// <param name="BytesSent">Bytes of all request bodies sent.</param>
    public sealed record Failed(
        EscalationFailure Reason, string Detail, TimeSpan? RetryAfter, int Attempts, int? Status = null, long BytesSent = 0)
            : EscalationResult(Attempts, BytesSent)
    {
        /// <summary>Whether the endpoint does not know the box: its key, address or model is wrong or missing, for every question alike.</summary>
        public bool IsTurnedAway => Reason == EscalationFailure.Rejected && Status is null or 401 or 403 or 404;
    }
}

/// <summary>A queued escalation came to its end: answered, or given up for good.</summary>
/// <param name="Escalation">The question.</param>
/// <param name="Result">The answer, or the last failure.</param>
/// <param name="At">When, UTC.</param>
internal sealed record EscalationCompleted(Escalation Escalation, EscalationResult Result, DateTimeOffset At);

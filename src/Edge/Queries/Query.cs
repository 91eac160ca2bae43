using Vlm.Edge.Answers;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Queries;

/// <summary>One question of a client.</summary>
/// <param name="Id">Random; also the idempotency key of its escalation.</param>
/// <param name="Picture">The picture file as it came.</param>
/// <param name="Code">The code in its normal form.</param>
/// <param name="Mode">What to do with an unconfident answer.</param>
/// <param name="Deadline">How long the client waits.</param>
internal sealed record Query(string Id, byte[] Picture, string Code, RoutingMode Mode, Deadline Deadline)
{
    /// <summary>Name of the key that asks; empty where none is needed.</summary>
    public string AskedBy { get; init; } = "";

    /// <summary>
    /// Whether the box reads the picture even if it answered the same before: a second witness. What the larger model said is given again nevertheless, for it
    /// is not paid twice.
    /// </summary>
    public bool IsReadAnew { get; init; }
}

/// <summary>How long a client waits, on a clock that runs.</summary>
/// <param name="Clock">The clock.</param>
/// <param name="Started">Its timestamp when the question came.</param>
/// <param name="Limit">How long the client waits from then on.</param>
internal sealed record Deadline(TimeProvider Clock, long Started, TimeSpan Limit)
{
    /// <summary>Time since the question came.</summary>
    public TimeSpan Elapsed => Clock.GetElapsedTime(Started);

    /// <summary>Time that is left; below zero once it has passed.</summary>
    public TimeSpan Left => Limit - Elapsed;
}

/// <summary>Why a question gets no answer. Also a metric label, in snake case.</summary>
internal enum RefusalReason
{
    /// <summary>The queue in front of the model is full.</summary>
    Busy,

    /// <summary>The deadline passed before even the local model had answered.</summary>
    Deadline,

    /// <summary>So many wait that the deadline would pass before its turn: refused at once.</summary>
    DeadlineTooShort,

    /// <summary>The picture cannot be decoded.</summary>
    Picture,

    /// <summary>The code does not fit beside its picture.</summary>
    CodeTooLong,

    /// <summary>The client went away.</summary>
    Cancelled,

    /// <summary>The engine failed; the log says how.</summary>
    ModelFailed,
}

/// <summary>What became of a question.</summary>
internal abstract record QueryOutcome
{
    private QueryOutcome()
    {
    }

    public sealed record Answered(Answer Answer) : QueryOutcome;

    /// <param name="Reason">Why.</param>
    /// <param name="Detail">For people.</param>
    public sealed record Refused(RefusalReason Reason, string Detail) : QueryOutcome
    {
        /// <summary>When it is worth trying again; null when nobody can say.</summary>
        public TimeSpan? RetryAfter { get; init; }
    }
}

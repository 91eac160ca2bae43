namespace Vlm.Edge.Escalations;

/// <summary>Why the queue did not take an escalation, or gave one up. Also a metric label, in snake case.</summary>
internal enum QueueDrop
{
    /// <summary>The picture alone is above the byte quota.</summary>
    TooLarge,

    /// <summary>The byte or count quota is reached, and new ones are turned away or nothing can make room.</summary>
    Full,

    /// <summary>Given up to make room for a newer one.</summary>
    DroppedOldest,

    /// <summary>Given up because of its age.</summary>
    Expired,

    /// <summary>The disk is full.</summary>
    DiskFull,

    /// <summary>The disk cannot be written.</summary>
    StorageFailed,

    /// <summary>Its picture is missing or damaged.</summary>
    PictureLost,

    /// <summary>It became a dead letter.</summary>
    Dead,

    /// <summary>A dead letter that the operator dropped.</summary>
    ByOperator,
}

/// <summary>What became of an escalation that was offered to the queue.</summary>
internal abstract record EnqueueResult
{
    private EnqueueResult()
    {
    }

    /// <summary>It is on the disk, and will be sent or given up with a reason.</summary>
    /// <param name="Dropped">How many older ones were given up for it.</param>
    public sealed record Accepted(int Dropped) : EnqueueResult;

    /// <summary>One with the same id is in the queue already.</summary>
    public sealed record Duplicate : EnqueueResult;

    /// <summary>It is not kept.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Detail">The same for people.</param>
    public sealed record Rejected(QueueDrop Reason, string Detail) : EnqueueResult;
}

/// <summary>An escalation to work on.</summary>
/// <param name="Escalation">The question.</param>
/// <param name="Attempts">Failures so far that may be its own fault.</param>
internal sealed record QueuedEscalation(Escalation Escalation, int Attempts);

/// <summary>An escalation that was given up; its picture is kept, and both count towards the quotas until it is sent again or dropped.</summary>
/// <param name="Entry">The question.</param>
/// <param name="Reason">The last failure, in snake case.</param>
/// <param name="Detail">The same for people.</param>
internal sealed record DeadLetter(QueueEntry Entry, string Reason, string Detail);

/// <summary>What happened in the queue without anybody having asked for it.</summary>
internal abstract record QueueNews
{
    private QueueNews()
    {
    }

    /// <summary>An escalation is not sent any more.</summary>
    public sealed record GivenUp(QueueEntry Entry, QueueDrop Reason, string Detail) : QueueNews;
}

/// <summary>What the queue holds.</summary>
/// <param name="Waiting">Escalations that wait or are being sent.</param>
/// <param name="Dead">Dead letters.</param>
/// <param name="Bytes">Bytes of the pictures.</param>
/// <param name="OldestAge">Age of the oldest that waits; zero when none does.</param>
/// <param name="Quarantined">How often since the start the database was damaged and put aside.</param>
internal sealed record QueueStats(int Waiting, int Dead, long Bytes, TimeSpan OldestAge, int Quarantined)
{
    /// <summary>Dead letters whose picture is lost.</summary>
    public int LostPictures { get; init; }

    /// <summary>Since one came to its end, or since the start.</summary>
    public TimeSpan SinceProgress { get; init; }
}

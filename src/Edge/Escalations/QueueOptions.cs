using Vlm.Hosting;

namespace Vlm.Edge.Escalations;

/// <summary>What to do with an escalation when the queue is full.</summary>
internal enum WhenFull
{
    /// <summary>The new one is turned away.</summary>
    RejectNew,

    /// <summary>The oldest ones that nobody works on make room: dead letters first.</summary>
    DropOldest,
}

/// <summary>Which escalation is sent first.</summary>
internal enum DrainOrder
{
    OldestFirst,

    /// <summary>After an outage the fresh questions are worth most.</summary>
    NewestFirst,
}

/// <summary>The durable queue.</summary>
internal sealed record QueueOptions
{
    /// <summary>
    /// Folder of the pictures that wait; it belongs to one process at a time, and is not the folder of the state. The rows are in the database.
    /// </summary>
    public string Folder { get; init; } = "escalations";

    /// <summary>Bytes of all pictures, dead letters included; 64 KiB to 1 TiB; 256 MiB by default.</summary>
    public long MaxBytes { get; init; } = 256L << 20;

    /// <summary>Escalations, dead letters included; 1 to 1,000,000; 10,000 by default.</summary>
    public int MaxCount { get; init; } = 10_000;

    /// <summary>Older ones are dropped, in hours; above 0, at most 8,760; 168 by default.</summary>
    public double MaxAgeHours { get; init; } = 168;

    /// <summary>What to do when the queue is full.</summary>
    public WhenFull WhenFull { get; init; } = WhenFull.RejectNew;

    /// <summary>Which escalation is sent first.</summary>
    public DrainOrder Order { get; init; } = DrainOrder.OldestFirst;

    /// <summary>How long somebody may work on an escalation before another may take it, in seconds; 1 to 3,600; 120 by default.</summary>
    public double LeaseSeconds { get; init; } = 120;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Folder)) yield return "folder: expected a folder, found nothing";
        if (MaxAgeHours is not (> 0 and <= 8760)) yield return $"max_age_hours: expected above 0, at most 8760, found {MaxAgeHours}";
        foreach (var problem in Check.Ranges(("max_bytes", MaxBytes, 1 << 16, 1L << 40), ("max_count", MaxCount, 1, 1_000_000),
            ("lease_seconds", LeaseSeconds, 1, 3600)))
        {
            yield return problem;
        }
    }
}

/// <summary>How the queue is drained.</summary>
internal sealed record WorkerOptions
{
    /// <summary>Escalations at the same time; 1 to 16; 2 by default, so that a waiting client finds a place.</summary>
    public int Parallel { get; init; } = 2;

    /// <summary>Deadline of each, in seconds; 0.1 to 600; 60 by default.</summary>
    public double DeadlineSeconds { get; init; } = 60;

    /// <summary>Pause after the first failure, in seconds; 0.01 to 600; 2 by default. It doubles with each further one.</summary>
    public double PauseSeconds { get; init; } = 2;

    /// <summary>
    /// Longest pause, also when an endpoint asks for a longer one, in seconds; at least <see cref="PauseSeconds"/>, at most 3,600; 300 by default.
    /// </summary>
    public double LongestPauseSeconds { get; init; } = 300;

    /// <summary>Failures that may be the escalation's own fault (server error, timeout) before it is a dead letter; 1 to 100; 5 by default.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        foreach (var problem in Check.Ranges(
            ("parallel", Parallel, 1, 16), ("deadline_seconds", DeadlineSeconds, 0.1, 600), ("pause_seconds", PauseSeconds, 0.01, 600),
                ("max_attempts", MaxAttempts, 1, 100)))
        {
            yield return problem;
        }
        if (!(LongestPauseSeconds >= PauseSeconds && LongestPauseSeconds <= 3600))
            yield return $"longest_pause_seconds: expected pause_seconds {PauseSeconds} to 3600, found {LongestPauseSeconds}";
    }
}

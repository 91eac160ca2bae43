using Vlm.Hosting;

namespace Vlm.Edge.Escalations;

/// <summary>
/// How the larger model is asked. The defaults suit a box that asks now and then: the usual ones (10 s per attempt, three retries, a breaker that needs
/// 100 calls in 30 s) turn a slow model into threefold load without an answer, and never open at an edge box's rates.
/// </summary>
internal sealed record EscalationOptions
{
    /// <summary>Whom to ask, in order: the first, then the fallback. 1 to 4.</summary>
    public IReadOnlyList<EndpointOptions> Endpoints { get; init; } = [];

    /// <summary>Calls at the same time; 1 to 64; 4 by default.</summary>
    public int Concurrency { get; init; } = 4;

    /// <summary>Calls that may wait for a place; 0 to 256; 8 by default. One more is turned away at once.</summary>
    public int Waiting { get; init; } = 8;

    /// <summary>
    /// One attempt, in seconds; above 0, at most 600; 25 by default. At least the 99th percentile of the endpoint's time: a shorter one repeats work.
    /// </summary>
    public double AttemptTimeoutSeconds { get; init; } = 25;

    /// <summary>To connect, TLS included, in seconds; above 0, at most <see cref="AttemptTimeoutSeconds"/>; 5 by default.</summary>
    public double ConnectTimeoutSeconds { get; init; } = 5;

    /// <summary>Wait before the one repetition when the endpoint names none, in seconds; 0 to 60; 1 by default, drawn from half of it to all of it.</summary>
    public double RetryDelaySeconds { get; init; } = 1;

    /// <summary>Repetitions per call that the budget gains, 0 to 1; 0.2 by default.</summary>
    public double RetryRatio { get; init; } = 0.2;

    /// <summary>Repetitions that the budget holds at most and at the start; 1 to 1,000; 10 by default.</summary>
    public int RetryBurst { get; init; } = 10;

    /// <summary>Repetitions per minute that the budget gains whatever the load, so that a quiet box may repeat too; 0 to 60; 1 by default.</summary>
    public double RetriesPerMinute { get; init; } = 1;

    /// <summary>Failed share of the calls that opens the breaker; 0.1 to 1; 0.5 by default.</summary>
    public double BreakerRatio { get; init; } = 0.5;

    /// <summary>Calls within the sampling time below which the breaker stays closed; 2 to 100; 5 by default.</summary>
    public int BreakerMinimum { get; init; } = 5;

    /// <summary>Sampling time of the breaker in seconds; 0.5 to 600; 90 by default.</summary>
    public double BreakerSamplingSeconds { get; init; } = 90;

    /// <summary>How long the breaker stays open, in seconds; 0.5 to 600; 20 by default.</summary>
    public double BreakerBreakSeconds { get; init; } = 20;

    /// <summary>Largest reply in bytes; 1,024 to 16 MiB; 1 MiB by default.</summary>
    public int ReplyLimitBytes { get; init; } = 1 << 20;

    /// <summary>What leaves the box of a picture.</summary>
    public PictureRules Picture { get; init; } = new();

    /// <summary>The durable queue.</summary>
    public QueueOptions Queue { get; init; } = new();

    /// <summary>How the queue is drained.</summary>
    public WorkerOptions Worker { get; init; } = new();

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (Endpoints.Count is < 1 or > 4) yield return $"endpoints: expected 1 to 4, found {Endpoints.Count}";
        foreach (var name in Endpoints.GroupBy(endpoint => endpoint.Name).Where(group => group.Count() > 1))
            yield return $"endpoints: expected unique names, found '{name.Key}' {name.Count()} times";
        IEnumerable<string> sections =
        [
            .. Endpoints.SelectMany(endpoint => Check.Section(endpoint.Name, endpoint.Problems())), .. Check.Ranges(Ranges()),
                .. Check.Section("picture", Picture.Problems()),
            .. Check.Section("queue", Queue.Problems()), .. Check.Section("worker", Worker.Problems()),
        ];
        foreach (var problem in sections) yield return problem;
        if (ConnectTimeoutSeconds > AttemptTimeoutSeconds)
            yield return $"connect_timeout_seconds {ConnectTimeoutSeconds} is above attempt_timeout_seconds {AttemptTimeoutSeconds}";
        if (Queue.LeaseSeconds <= Worker.DeadlineSeconds)
        {
            yield return $"queue: lease_seconds {Queue.LeaseSeconds} is not above worker: deadline_seconds {Worker.DeadlineSeconds}: "
                + "an escalation would be taken twice";
        }

        if (BreakerSamplingSeconds < 2 * AttemptTimeoutSeconds)
        {
            yield return $"breaker_sampling_seconds {BreakerSamplingSeconds} is below twice attempt_timeout_seconds {AttemptTimeoutSeconds}: "
                + "the breaker would forget before it learns";
        }
    }

    private (string Name, double Value, double Least, double Most)[] Ranges() =>
    [
        ("concurrency", Concurrency, 1, 64),
        ("waiting", Waiting, 0, 256),
        ("attempt_timeout_seconds", AttemptTimeoutSeconds, 0.01, 600),
        ("connect_timeout_seconds", ConnectTimeoutSeconds, 0.01, 600),
        ("retry_delay_seconds", RetryDelaySeconds, 0, 60),
        ("retry_ratio", RetryRatio, 0, 1),
        ("retry_burst", RetryBurst, 1, 1000),
        ("retries_per_minute", RetriesPerMinute, 0, 60),
        ("breaker_ratio", BreakerRatio, 0.1, 1),
        ("breaker_minimum", BreakerMinimum, 2, 100),
        ("breaker_sampling_seconds", BreakerSamplingSeconds, 0.5, 600),
        ("breaker_break_seconds", BreakerBreakSeconds, 0.5, 600),
        ("reply_limit_bytes", ReplyLimitBytes, 1024, 16 << 20),
    ];
}

using Vlm.Escalation.Chat;
using Vlm.Escalation.Work;
using Vlm.Hosting;
using Vlm.Hosting.Http;

namespace Vlm.Escalation;

/// <summary>Everything that <c>escalation.yaml</c> says. Each property is a key of the file, in snake_case.</summary>
internal sealed record EscalationOptions : IChecked
{
    /// <summary>
    /// Address to listen on, such as <c>http://0.0.0.0:8000</c>; port 0 takes a free one. Default: this machine alone, port 8000. TLS is the proxy's.
    /// </summary>
    public string Listen { get; init; } = "http://127.0.0.1:8000";

    /// <summary>Names under which clients reach it, besides its addresses, its machine's name, localhost and names without a dot. None by default.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>What is served.</summary>
    public ModelOptions Model { get; init; } = new();

    /// <summary>Who may ask.</summary>
    public KeyOptions Keys { get; init; } = new();

    /// <summary>What a request may cost.</summary>
    public LimitOptions Limits { get; init; } = new();

    /// <summary>How many wait, and how many are answered together.</summary>
    public QueueOptions Queue { get; init; } = new();

    /// <summary>How long answers are kept for repeated requests.</summary>
    public IdempotencyOptions Idempotency { get; init; } = new();

    /// <summary>Seconds that a shutdown waits for requests in flight, 1 to 600. Default 30.</summary>
    public int DrainSeconds { get; init; } = 30;

    /// <summary>Seconds between SIGTERM and the end of listening, in which it says that it is not ready and answers still; 0 to 8. Default 2.</summary>
    public double NoticeSeconds { get; init; } = 2;

    /// <summary>Who is let in.</summary>
    public DoorOptions ToDoors() => new(Listen, Hosts, Keys.ToSource(Listen), new RateOptions(Limits.RequestsPerMinute, Limits.RequestBurst));

    /// <inheritdoc/>
    public IEnumerable<string> Problems() =>
    [
        .. Check.Listen(Listen, "http://127.0.0.1:8000"),
        .. Check.Section("model", Model.Problems()),
        .. Check.Section("limits", Limits.Problems()),
        .. Check.Section("queue", Queue.Problems()),
        .. Check.Section("idempotency", Idempotency.Problems()),
        .. Check.Ranges(("drain_seconds", DrainSeconds, 1, 600), ("notice_seconds", NoticeSeconds, 0, 8)),
    ];
}

/// <summary>API keys. Only their SHA-256 is kept and compared.</summary>
internal sealed record KeyOptions
{
    /// <summary>
    /// False lets in everybody who can reach the port, from other machines too. Default: keys are required where others than this machine can reach the
    /// port, and wherever there are some.
    /// </summary>
    public bool? Required { get; init; }

    /// <summary>File with a name, the SHA-256 of a key and its roles per line, as the verb <c>key</c> prints it. Read again when it changes.</summary>
    public string? File { get; init; }

    /// <summary>Environment variable with keys in plain text, separated by commas. Default <c>ESCALATION_API_KEYS</c>.</summary>
    public string Environment { get; init; } = "ESCALATION_API_KEYS";

    /// <summary>The same for the keys' reader.</summary>
    /// <param name="listen">The address that is listened at.</param>
    public KeySource ToSource(string listen) => new(
        Required ?? (!Check.IsThisMachineAlone(listen) || File is not null || System.Environment.GetEnvironmentVariable(Environment) is { Length: > 0 }),
        File,
        Environment,
        "keys.file");
}

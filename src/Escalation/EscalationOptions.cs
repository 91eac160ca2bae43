using Vlm.Escalation.Chat;
using Vlm.Escalation.Work;
using Vlm.Hosting;

namespace Vlm.Escalation;

/// <summary>Everything that <c>escalation.yaml</c> says. Each property is a key of the file, in snake_case.</summary>
internal sealed record EscalationOptions : IChecked
{
    /// <summary>
    /// Address to listen on, such as <c>http://0.0.0.0:8000</c>; port 0 takes a free one. Default: this machine alone, port 8000. TLS is the proxy's.
    /// </summary>
    public string Listen { get; init; } = "http://127.0.0.1:8000";

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

    /// <inheritdoc/>
    public IEnumerable<string> Problems() =>
    [
        .. Check.Listen(Listen, "http://127.0.0.1:8000"),
        .. Check.Section("model", Model.Problems()),
        .. Check.Section("limits", Limits.Problems()),
        .. Check.Section("queue", Queue.Problems()),
        .. Check.Section("idempotency", Idempotency.Problems()),
        .. Check.Ranges(("drain_seconds", DrainSeconds, 1, 600)),
    ];
}

/// <summary>API keys. Only their SHA-256 is kept and compared.</summary>
internal sealed record KeyOptions
{
    /// <summary>False lets in everybody who can reach the port. Default true.</summary>
    public bool Required { get; init; } = true;

    /// <summary>File with a name and the SHA-256 of a key per line, as the verb <c>key</c> prints it. Read again when it changes.</summary>
    public string? File { get; init; }

    /// <summary>Environment variable with keys in plain text, separated by commas. Default <c>ESCALATION_API_KEYS</c>.</summary>
    public string Environment { get; init; } = "ESCALATION_API_KEYS";

    /// <summary>The same for the keys' reader.</summary>
    public KeySource ToSource() => new(Required, File, Environment, "keys.file");
}

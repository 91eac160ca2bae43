using System.ComponentModel.DataAnnotations;

namespace Vlm.Escalation.Settings;

/// <summary>Everything that <c>escalation.yaml</c> says. Each property is a key of the file, in snake_case.</summary>
internal sealed record EscalationOptions
{
    /// <summary>Address to listen on, such as <c>http://0.0.0.0:8000</c>; port 0 takes a free one. Default: this machine alone, port 8000. TLS is the proxy's.</summary>
    [Required]
    public string Listen { get; init; } = "http://127.0.0.1:8000";

    /// <summary>What is served.</summary>
    [Required]
    public ModelOptions Model { get; init; } = new();

    /// <summary>Who may ask.</summary>
    [Required]
    public KeyOptions Keys { get; init; } = new();

    /// <summary>What a request may cost.</summary>
    [Required]
    public LimitOptions Limits { get; init; } = new();

    /// <summary>How many wait, and how many are answered together.</summary>
    [Required]
    public QueueOptions Queue { get; init; } = new();

    /// <summary>How long answers are kept for repeated requests.</summary>
    [Required]
    public IdempotencyOptions Idempotency { get; init; } = new();

    /// <summary>Seconds that a shutdown waits for requests in flight, 1 to 600. Default 30.</summary>
    [Range(1, 600)]
    public int DrainSeconds { get; init; } = 30;
}

/// <summary>The model package.</summary>
internal sealed record ModelOptions
{
    /// <summary>Folder of the package. Required.</summary>
    [Required(ErrorMessage = "is missing: give the folder of a model package")]
    public string? Path { get; init; }

    /// <summary>The name that clients ask for. Default: the name of the folder.</summary>
    public string? Name { get; init; }

    /// <summary>Threads per operator, 0 (one per processor, the default) to 256.</summary>
    [Range(0, 256)]
    public int Threads { get; init; }

    /// <summary>The name that is served.</summary>
    public string ServedName => Name ?? System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(Path ?? ""));
}

/// <summary>API keys. Only their SHA-256 is kept and compared.</summary>
internal sealed record KeyOptions
{
    /// <summary>False lets everybody in who reaches the port. Default true.</summary>
    public bool Required { get; init; } = true;

    /// <summary>File with a name and the SHA-256 of a key per line, as the verb <c>key</c> prints it. Read again when it changes.</summary>
    public string? File { get; init; }

    /// <summary>Environment variable with keys in plain text, separated by commas. Default <c>ESCALATION_API_KEYS</c>.</summary>
    [Required]
    public string Environment { get; init; } = "ESCALATION_API_KEYS";
}

/// <summary>Bounds of one request.</summary>
internal sealed record LimitOptions
{
    /// <summary>Bytes of a body, 1 KiB to 64 MiB. Default 8 MiB: a picture of 6 MB as base64.</summary>
    [Range(1 << 10, 64 << 20)]
    public int BodyBytes { get; init; } = 8 << 20;

    /// <summary>Seconds in which a body must arrive, 1 to 300. Default 20.</summary>
    [Range(1, 300)]
    public int BodySeconds { get; init; } = 20;

    /// <summary>Pixels of a picture, read from its header before it is decoded; 784 to 64 million. Default 16 million, 64 MB while it is decoded.</summary>
    [Range(784, 64_000_000)]
    public int PicturePixels { get; init; } = 16_000_000;

    /// <summary>Seconds that a request may take, waiting included, 1 to 3600; a request may ask for less. Default 60.</summary>
    [Range(1, 3600)]
    public int DeadlineSeconds { get; init; } = 60;
}

/// <summary>The queue before the one worker, and its batches.</summary>
internal sealed record QueueOptions
{
    /// <summary>Requests that may wait; the next one is answered 429. 1 to 4096, default 64.</summary>
    [Range(1, 4096)]
    public int Capacity { get; init; } = 64;

    /// <summary>Questions answered together at most, 1 to 64. Default 4: more lengthen the tail and answer no more (EXPERIMENTS.md).</summary>
    [Range(1, 64)]
    public int Batch { get; init; } = 4;

    /// <summary>Milliseconds that a batch waits for others that are on their way, 0 to 1000. A request that is alone does not wait. Default 5.</summary>
    [Range(0, 1000)]
    public int WindowMilliseconds { get; init; } = 5;
}

/// <summary>The memory of <c>Idempotency-Key</c>.</summary>
internal sealed record IdempotencyOptions
{
    /// <summary>Finished answers kept, 0 to 65536; the oldest goes first. Default 256.</summary>
    [Range(0, 65536)]
    public int Entries { get; init; } = 256;

    /// <summary>Minutes that an answer is kept, 1 to 1440. Default 10.</summary>
    [Range(1, 1440)]
    public int Minutes { get; init; } = 10;
}

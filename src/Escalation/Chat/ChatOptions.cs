using Vlm.Hosting;

namespace Vlm.Escalation.Chat;

/// <summary>Bounds of one request.</summary>
internal sealed record LimitOptions
{
    /// <summary>Bytes of a body, 1 KiB to 64 MiB. Default 8 MiB: a picture of 6 MB as base64.</summary>
    public int BodyBytes { get; init; } = 8 << 20;

    /// <summary>Seconds in which a body must arrive, 1 to 300. Default 20.</summary>
    public int BodySeconds { get; init; } = 20;

    /// <summary>Bytes a second at which a body must arrive after its first 5 seconds, 1 to 16 MiB; a slower one is refused. Default 4,096.</summary>
    public int BodyBytesPerSecond { get; init; } = 4096;

    /// <summary>Requests a minute of one key, 0 (no limit) to 1,000,000; one more gets 429. Default 1,200.</summary>
    public int RequestsPerMinute { get; init; } = 1200;

    /// <summary>Requests of one key that may come at once after a quiet time, 1 to 100,000. Default 200.</summary>
    public int RequestBurst { get; init; } = 200;

    /// <summary>Pixels of a picture, read from its header before it is decoded; 784 to 64 million. Default 16 million, 64 MB while it is decoded.</summary>
    public int PicturePixels { get; init; } = 16_000_000;

    /// <summary>Seconds that a request may take, waiting included, 1 to 3600; a request may ask for less. Default 60.</summary>
    public int DeadlineSeconds { get; init; } = 60;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems() => Check.Ranges(
        ("body_bytes", BodyBytes, 1 << 10, 64 << 20), ("body_seconds", BodySeconds, 1, 300), ("body_bytes_per_second", BodyBytesPerSecond, 1, 16 << 20),
        ("requests_per_minute", RequestsPerMinute, 0, 1_000_000), ("request_burst", RequestBurst, 1, 100_000),
        ("picture_pixels", PicturePixels, 784, 64_000_000),
        ("deadline_seconds", DeadlineSeconds, 1, 3600));
}

/// <summary>The memory of <c>Idempotency-Key</c>.</summary>
internal sealed record IdempotencyOptions
{
    /// <summary>Finished answers kept, 0 to 65536; the oldest goes first. Default 256.</summary>
    public int Entries { get; init; } = 256;

    /// <summary>Minutes that an answer is kept, 1 to 1440. Default 10.</summary>
    public int Minutes { get; init; } = 10;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems() => Check.Ranges(("entries", Entries, 0, 65536), ("minutes", Minutes, 1, 1440));
}

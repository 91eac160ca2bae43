using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Serve;

/// <summary>What the daemon listens to and how much it takes.</summary>
internal sealed record ServerOptions
{
    /// <summary>Address to listen at; this machine alone by default. Port 0 takes a free one.</summary>
    public string Listen { get; init; } = "http://127.0.0.1:8088";

    /// <summary>File with the API keys that clients may show, one per line, # for comments; null (the default) lets everybody ask.</summary>
    public string? ApiKeysFile { get; init; }

    /// <summary>Largest request body in bytes; 1,024 to 64 MiB; 12 MiB by default.</summary>
    public int BodyLimitBytes { get; init; } = 12 << 20;

    /// <summary>Most pixels of a picture; 784 to 64 million; 25 million by default. It is checked in the header, before a pixel is decoded.</summary>
    public int PixelLimit { get; init; } = 25_000_000;

    /// <summary>Requests worked on at the same time, waiting ones included; 1 to 4,096; 64 by default. One more gets 429. Times the body limit: the most memory for bodies.</summary>
    public int InFlight { get; init; } = 64;

    /// <summary>Questions that wait for the local model; 1 to 4,096; 32 by default. One more gets 503.</summary>
    public int Queue { get; init; } = 32;

    /// <summary>Connections at the same time; 1 to 65,536; 2,048 by default. One more is closed.</summary>
    public int Connections { get; init; } = 2048;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (!Uri.TryCreate(Listen, UriKind.Absolute, out var uri) || uri.Scheme != "http" || uri.PathAndQuery != "/")
            yield return $"listen: expected an address such as http://127.0.0.1:8088, found '{Listen}'";
        if (ApiKeysFile is { } file && !File.Exists(file)) yield return $"api_keys_file: there is no file '{file}'";
        if (BodyLimitBytes is < 1024 or > 64 << 20) yield return $"body_limit_bytes: expected 1024 to {64 << 20}, found {BodyLimitBytes}";
        if (PixelLimit is < 784 or > 64_000_000) yield return $"pixel_limit: expected 784 to 64000000, found {PixelLimit}";
        if (InFlight is < 1 or > 4096) yield return $"in_flight: expected 1 to 4096, found {InFlight}";
        if (Queue is < 1 or > 4096) yield return $"queue: expected 1 to 4096, found {Queue}";
        if (Connections is < 1 or > 65_536) yield return $"connections: expected 1 to 65536, found {Connections}";
    }
}

/// <summary>The model on this box.</summary>
internal sealed record ModelOptions
{
    /// <summary>Folder of the package.</summary>
    public string Folder { get; init; } = "models/cryptogram-edge";

    /// <summary>Processor threads; 0 (the default, all that this process may use) to 1,024.</summary>
    public int Threads { get; init; }

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Folder)) yield return "folder: expected the folder of a package, found nothing";
        if (Threads is < 0 or > 1024) yield return $"threads: expected 0 to 1024, found {Threads}";
    }
}

/// <summary><c>edge.yaml</c>.</summary>
internal sealed record EdgeConfig
{
    public ServerOptions Server { get; init; } = new();

    public ModelOptions Model { get; init; } = new();

    public RoutingOptions Routing { get; init; } = new();

    public BudgetOptions Budget { get; init; } = new();

    public CacheOptions Cache { get; init; } = new();

    public DriftOptions Audit { get; init; } = new();

    /// <summary>The larger model; null (the default) for a box that works alone, which then needs the mode local-only.</summary>
    public EscalationOptions? Escalation { get; init; }

    /// <summary>Folder for what outlives a restart: budget and audit. Made when absent.</summary>
    public string State { get; init; } = "state";

    /// <summary>Whatever is wrong with this configuration, in words, with the section in front.</summary>
    public IEnumerable<string> Problems()
    {
        (string Section, IEnumerable<string> Problems)[] sections =
        [
            ("server", Server.Problems()), ("model", Model.Problems()), ("routing", Routing.Problems()), ("budget", Budget.Problems()), ("cache", Cache.Problems()),
            ("audit", Audit.Problems()), ("escalation", Escalation?.Problems() ?? []),
        ];
        foreach (var problem in sections.SelectMany(section => section.Problems.Select(problem => $"{section.Section}: {problem}"))) yield return problem;
        if (Escalation is null && Routing.Mode != RoutingMode.LocalOnly)
            yield return $"routing: mode: {EdgeConfigFile.Name(Routing.Mode)} asks a larger model, but there is no section 'escalation'; add it, or say mode: local-only";
        if (string.IsNullOrWhiteSpace(State)) yield return "state: expected a folder, found nothing";
    }
}

/// <summary>A configuration that cannot be used; the message says everything that is wrong with it.</summary>
internal sealed class ConfigException(string message) : UsageException(message);

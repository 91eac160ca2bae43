using Vlm.Edge.Cameras;
using Vlm.Edge.Escalations;
using Vlm.Edge.Mqtt;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Edge.Storage;
using Vlm.Edge.Watching;
using Vlm.Engine;
using Vlm.Hosting;
using Vlm.Hosting.Http;
using Vlm.Solving;
using Vlm.Text;

namespace Vlm.Edge;

/// <summary>What the daemon listens to and how much it takes.</summary>
internal sealed record ServerOptions
{
    /// <summary>Address to listen at; this machine alone by default. Port 0 takes a free one.</summary>
    public string Listen { get; init; } = "http://127.0.0.1:8088";

    /// <summary>Names under which clients reach the box, besides its addresses, its own name, localhost and names without a dot. None by default.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>
    /// File with a name, the SHA-256 of a key and its roles per line, as the verb <c>key</c> prints it; # for comments; read again when it changes. Null (the
    /// default) lets in everybody, which is refused where others than this machine can reach the port.
    /// </summary>
    public string? ApiKeysFile { get; init; }

    /// <summary>False lets everybody ask who can reach the port, from other machines too. Null (the default): as the two settings above say.</summary>
    public bool? KeysRequired { get; init; }

    /// <summary>Requests a minute of one key; 0 (no limit) to 1,000,000; 1,200 by default. One more gets 429.</summary>
    public int RequestsPerMinute { get; init; } = 1200;

    /// <summary>Requests of one key that may come at once after a quiet time; 1 to 100,000; 200 by default.</summary>
    public int RequestBurst { get; init; } = 200;

    /// <summary>Largest request body in bytes; 1,024 to 64 MiB; 12 MiB by default.</summary>
    public int BodyLimitBytes { get; init; } = 12 << 20;

    /// <summary>Seconds in which a body must arrive; 1 to 300; 20 by default.</summary>
    public int BodySeconds { get; init; } = 20;

    /// <summary>Bytes a second at which a body must arrive after its first 5 seconds; 1 to 16 MiB; 4,096 by default. A slower one is refused.</summary>
    public int BodyBytesPerSecond { get; init; } = 4096;

    /// <summary>Most pixels of a picture; 784 to 64 million; 25 million by default. It is checked in the header, before a pixel is decoded.</summary>
    public int PixelLimit { get; init; } = 25_000_000;

    /// <summary>Requests whose body is here, worked on at the same time, waiting ones included; 1 to 4,096; 256 by default. One more gets 429.</summary>
    public int InFlight { get; init; } = 256;

    /// <summary>Questions that wait for the local model; 1 to 4,096; 32 by default. One more gets 503.</summary>
    public int Queue { get; init; } = 32;

    /// <summary>Connections at the same time; 1 to 65,536; 2,048 by default. One more is closed.</summary>
    public int Connections { get; init; } = 2048;

    /// <summary>Seconds between SIGTERM and the end of listening, in which the box says that it is not ready and answers still; 0 to 8; 2 by default.</summary>
    public double NoticeSeconds { get; init; } = 2;

    /// <summary>Who is let in.</summary>
    public DoorOptions ToDoors() =>
        new(Listen, Hosts, new KeySource(AreKeysRequired, ApiKeysFile, null, "server: api_keys_file"), new RateOptions(RequestsPerMinute, RequestBurst));

    private bool AreKeysRequired => KeysRequired ?? (ApiKeysFile is not null || !Check.IsThisMachineAlone(Listen));

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems() =>
    [
        .. Check.Listen(Listen, "http://127.0.0.1:8088"),
        .. ApiKeysFile is { } file && !File.Exists(file) ? [$"api_keys_file: there is no file '{file}'"] : Array.Empty<string>(),
        .. Check.Ranges(
            ("requests_per_minute", RequestsPerMinute, 0, 1_000_000), ("request_burst", RequestBurst, 1, 100_000),
            ("body_limit_bytes", BodyLimitBytes, 1024, 64 << 20), ("body_seconds", BodySeconds, 1, 300),
            ("body_bytes_per_second", BodyBytesPerSecond, 1, 16 << 20), ("pixel_limit", PixelLimit, 784, 64_000_000),
            ("in_flight", InFlight, 1, 4096), ("queue", Queue, 1, 4096), ("connections", Connections, 1, 65_536), ("notice_seconds", NoticeSeconds, 0, 8)),
        .. AreKeysRequired && ApiKeysFile is null
            ? [$"api_keys_file: others than this machine can reach {Listen}, so a file with keys is needed (the verb 'key' makes them); "
                + "or say keys_required: false, and everybody can ask"]
            : Array.Empty<string>(),
    ];
}

/// <summary>The model on this box.</summary>
internal sealed record ModelOptions
{
    /// <summary>Folder of the package.</summary>
    public string Folder { get; init; } = "models/cryptogram-edge";

    /// <summary>The library that runs it: ort (the default) or, in builds that have it, genai.</summary>
    public EngineKind Engine { get; init; }

    /// <summary>What computes: auto (the default), cpu or, in builds that have them, cuda or directml.</summary>
    public ProviderKind Provider { get; init; }

    /// <summary>Processor threads; 0 (the default, all that this process may use) to 1,024.</summary>
    public int Threads { get; init; }

    /// <summary>When the sheet is cut out of the picture first: auto (the default, where it is a small part of it), always or never.</summary>
    public FindMode Find { get; init; }

    /// <summary>Folder of the sheet finder's package. Default: none; pictures are then read as they are.</summary>
    public string? Finder { get; init; }

    /// <summary>How sheets are looked for; null where pictures are read as they are.</summary>
    public SheetSearch? ToSearch() => Finder is null ? null : new SheetSearch(Finder, Find);

    /// <summary>How the engine uses the machine.</summary>
    public EngineOptions ToEngine() => new() { Kind = Engine, Provider = Provider, Threads = Threads };

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Folder)) yield return "folder: expected the folder of a package, found nothing";
        if (Find == FindMode.Always && Finder is null)
            yield return "finder: expected the folder of a sheet finder's package, found nothing; find: always needs one";
        foreach (var problem in Check.Ranges(("threads", Threads, 0, 1024))) yield return problem;
    }
}

/// <summary>When the machine's clock is believed.</summary>
internal enum ClockTrust
{
    /// <summary>While a time service keeps it right, as the kernel knows it.</summary>
    WhenSynchronised,

    /// <summary>Always: somebody else keeps it right.</summary>
    Always,
}

/// <summary><c>edge.yaml</c>.</summary>
internal sealed record EdgeConfig : IChecked
{
    private const int MostCameras = 64;

    public ServerOptions Server { get; init; } = new();

    public ModelOptions Model { get; init; } = new();

    public RoutingOptions Routing { get; init; } = new();

    public BudgetOptions Budget { get; init; } = new();

    public CacheOptions Cache { get; init; } = new();

    public DriftOptions Audit { get; init; } = new();

    /// <summary>The larger model; null (the default) for a box that works alone, which then needs the mode local-only.</summary>
    public EscalationOptions? Escalation { get; init; }

    /// <summary>What the box looks at by itself; none by default; 64 at most.</summary>
    public IReadOnlyList<CameraOptions> Cameras { get; init; } = [];

    /// <summary>How all cameras are watched together.</summary>
    public WatchOptions Watching { get; init; } = new();

    /// <summary>The broker that hears of answers and of cameras; null (the default) for none.</summary>
    public MqttOptions? Mqtt { get; init; }

    public HistoryOptions History { get; init; } = new();

    /// <summary>Pictures that people may look at.</summary>
    public PictureShelfOptions Pictures { get; init; } = new();

    /// <summary>When the machine's clock is believed; when-synchronised by default.</summary>
    public ClockTrust Clock { get; init; }

    /// <summary>Folder for what outlives a restart: the database, pictures for people, budget and audit. Made when absent.</summary>
    public string State { get; init; } = "state";

    private static bool IsSame(string folder, string other) => !string.IsNullOrWhiteSpace(folder)
        && Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(other));

    /// <summary>Reads and checks a configuration.</summary>
    /// <exception cref="ConfigException">It cannot be used.</exception>
    public static EdgeConfig Load(string path) => ConfigFile.Load<EdgeConfig>(path, "deploy/edge.yaml");

    /// <inheritdoc/>
    public IEnumerable<string> Problems()
    {
        IEnumerable<string>[] sections =
        [
            Check.Section("server", Server.Problems()), Check.Section("model", Model.Problems()), Check.Section("routing", Routing.Problems()),
            Check.Section("budget", Budget.Problems()), Check.Section("cache", Cache.Problems()), Check.Section("audit", Audit.Problems()),
            Check.Section("history", History.Problems()), Check.Section("pictures", Pictures.Problems()),
            Check.Section("escalation", Escalation?.Problems() ?? []), Check.Section("watching", Watching.Problems()),
            Check.Section("mqtt", Mqtt?.Problems() ?? []),
        ];
        foreach (var problem in sections.SelectMany(problems => problems).Concat(CameraProblems())) yield return problem;
        if (Escalation is null && Routing.Mode != RoutingMode.LocalOnly)
            yield return $"routing: mode: {Routing.Mode.ToOption()} asks a larger model, but there is no section 'escalation'; add it, or say mode: local-only";
        if (string.IsNullOrWhiteSpace(State)) yield return "state: expected a folder, found nothing";
        else if (Escalation is not null && IsSame(Escalation.Queue.Folder, State))
            yield return $"escalation: queue: folder: '{Escalation.Queue.Folder}' is the folder 'state'; pictures that wait need one of their own";
    }

    private IEnumerable<string> CameraProblems()
    {
        if (Cameras.Any(camera => camera?.Name is null)) return ["cameras: expected a name and a source for each, found nothing"];
        return
        [
            .. Cameras.SelectMany(camera => Check.Section("cameras", Check.Section(camera.Name.Length > 0 ? camera.Name : "(no name)", camera.Problems()))),
            .. Cameras.GroupBy(camera => camera.Name).Where(same => same.Count() > 1)
                .Select(same => $"cameras: {same.Key}: expected a name that no other camera has, found it {same.Count()} times"),
            .. Cameras.Where(camera => camera.Message?.Topic is not null && Mqtt is null)
                .Select(camera => $"cameras: {camera.Name}: message: topic: expected a section 'mqtt' that says which broker has it"),
            .. Check.Section("cameras", Check.Ranges(("number of cameras", Cameras.Count, 0, MostCameras))),
        ];
    }
}

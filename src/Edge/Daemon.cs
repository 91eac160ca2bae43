using System.Security.Cryptography;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Vlm.Edge.Answers;
using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;
using Vlm.Edge.Escalations;
using Vlm.Edge.Messages;
using Vlm.Edge.Mqtt;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Edge.Storage;
using Vlm.Edge.Watching;
using Vlm.Gating;
using Vlm.Hosting;
using Vlm.Hosting.Http;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Text;

namespace Vlm.Edge;

/// <summary>What the daemon is made of, in the order in which it is made.</summary>
/// <remarks>Owns the solver once it is made. Whatever it started is over, and its files are closed, when it is disposed.</remarks>
internal sealed class Daemon : IAsyncDisposable
{
    private readonly EscalationMeters? _meters;
    private readonly Instruments? _instruments;
    private readonly PaidClient? _paid;
    private readonly BoxDatabase _box;
    private readonly Publications _publications;
    private volatile EdgeConfig _config;

    /// <param name="config">Checked.</param>
    /// <param name="solver">The package, opened.</param>
    /// <param name="clock">The clock of everything.</param>
    /// <param name="logs">Makes logs.</param>
    /// <exception cref="ConfigException">The mode needs a gate, and the package has none; or the keys cannot be read.</exception>
    /// <exception cref="GateException">The gate belongs to another package.</exception>
    /// <exception cref="IOException">The database is open in another process, or the queue's folder cannot be written.</exception>
    public Daemon(EdgeConfig config, Solver solver, TimeProvider clock, ILoggerFactory logs)
    {
        (_config, Clock) = (config, clock);
        var gate = Gate.Find(solver.Folder);
        CheckMode(config, solver, gate);
        Doors = new Doors(config.Server.ToDoors(), clock, logs);

        Metrics = new EdgeMetrics();
        _box = new BoxDatabase(new BoxFolders(config.State, config.Escalation?.Queue.Folder), clock, logs.CreateLogger<BoxDatabase>());
        var history = new History(_box, config.History, clock);
        Events = new EventStream(history);
        Alarms = new Alarms(Events, Metrics, logs.CreateLogger<Alarms>(), clock);
        _box.Watch(new StorageListener(
            problem => Alarms.Raise(AlarmKind.State, problem),
            problem => Alarms.Raise(AlarmKind.DiskFull, problem),
            folder => Alarms.Raise(AlarmKind.Quarantine, $"What the box remembers was damaged and put aside as '{folder}'"),
            () => Alarms.Clear(AlarmKind.State)));
        Memory = new AnswerMemory(config.Cache, history, clock, new PictureShelf(Path.Combine(config.State, "pictures"), config.Pictures, clock));
        Budget = new Budget(config.Budget, State("budget.json", RoutingJson.Default.BudgetState), clock);
        Drift = gate is null ? null : new DriftMonitor(config.Audit, gate, HashGate(solver.Folder), State("audit.json", RoutingJson.Default.DriftState), clock);
        if (config.Escalation is { } escalation)
        {
            _meters = new EscalationMeters();
            _instruments = new Instruments(_meters, clock, Instruments.Draws(RandomNumberGenerator.GetInt32(int.MaxValue)), logs)
            {
                IsWallKnown = IsWallKnown,
            };
            Queue = new EscalationQueue(_box, escalation.Queue, _instruments);
            _paid = new PaidClient(Client(escalation), Budget, result => LinkAlarms.Take(result, Alarms));
            _paid.Measure(_meters);
            var corrections = new Corrections(Memory, Events, Drift, Metrics, Alarms);
            Queue.Watch(corrections.Take);
            Larger = new Escalator(_paid, Queue, escalation.Picture, clock);
            Worker = new EscalationWorker(escalation.Worker, Queue, _paid, corrections.Take, _instruments);
        }

        Watch = new Watch(new Watched(Queue, _box, new BootClock(clock, IsWallKnown)), Alarms, clock);
        if (Drift is { IsPromiseKept: false }) Alarms.Raise(AlarmKind.Drift, "An earlier audit found that the gate does not keep its promise");
        var reports = new CameraReports(Events, Alarms);
        Cameras = new CameraSet(config.Cameras, new SourceFactory(clock).Make, reports.Take,
            (clock, Instruments.Draws(RandomNumberGenerator.GetInt32(int.MaxValue)), logs.CreateLogger<CameraSet>()));
        Model = new LocalModel(solver, Drift, config.Server.Queue, clock, Alarms);
        Pipeline = new QueryPipeline(Model, Larger, Memory, () => Config.Routing, Metrics);
        Broker = MakeBroker(config, clock);
        _publications = new Publications(Events, Broker, config.Mqtt, clock);
        _publications.Begin([.. config.Cameras.Select(camera => camera.Name)]);
        Watching = MakeWatching(config, clock);
    }

    /// <summary>What is in force now.</summary>
    public EdgeConfig Config => _config;

    public TimeProvider Clock { get; }

    public Doors Doors { get; }

    public EdgeMetrics Metrics { get; }

    public EventStream Events { get; }

    public Alarms Alarms { get; }

    public AnswerMemory Memory { get; }

    public Budget Budget { get; }

    /// <summary>The package's gate, watched; null without one.</summary>
    public DriftMonitor? Drift { get; }

    /// <summary>Null for a box that works alone; so are the next two.</summary>
    public EscalationQueue? Queue { get; }

    public Escalator? Larger { get; }

    /// <summary>Drains the queue; the host starts and stops it.</summary>
    public EscalationWorker? Worker { get; }

    /// <summary>Looks for what is wrong; the host starts and stops it.</summary>
    public Watch Watch { get; }

    /// <summary>What the box looks at; the host starts and stops it.</summary>
    public CameraSet Cameras { get; }

    /// <summary>Null without one; the host starts and stops it.</summary>
    public MqttLink? Broker { get; }

    /// <summary>Reads what the cameras see; the host starts and stops it.</summary>
    public WatchService Watching { get; }

    public LocalModel Model { get; }

    public QueryPipeline Pipeline { get; }

    /// <summary>The way to the larger model: what stands about it, else what the last attempts told; null for a box that works alone.</summary>
    public string? LinkState => Larger is not { } larger ? null
        : Alarms.Stands(AlarmKind.TurnedAway) ? "turned-away"
        : Alarms.Stands(AlarmKind.LinkDown) ? Link.Offline.ToOption()
        : larger.Link.ToOption();

    /// <summary>Keeps what a person says that the picture of a question says, and tells it.</summary>
    /// <returns>Null when there is no such question.</returns>
    /// <exception cref="StorageException">It cannot be kept.</exception>
    public Review? Review(string id, string text, string by)
    {
        if (Memory.Find(id) is not { } found) return null;
        var review = new Review(text, by, text == found.Answer?.Text, Clock.GetUtcNow());
        if (!Memory.Keep(id, review)) return null;
        Events.Publish(new EdgeEvent.Reviewed(id, review), found.AskedBy);
        return review;
    }

    /// <summary>
    /// Puts a configuration in force, as far as that goes without a new start: who is let in, how questions are routed, what the larger model may cost,
    /// whom to ask how, and what the box looks at. What is under way goes on as it began.
    /// </summary>
    /// <returns>Settings that changed, and those of them that wait for the next start.</returns>
    /// <exception cref="ConfigException">The mode needs what the box does not have, or the keys cannot be read; nothing changes.</exception>
    public (IReadOnlyList<string> Changed, IReadOnlyList<string> Later) Change(EdgeConfig next)
    {
        if (next.Routing.Mode.FindObstacle(Drift is not null, Larger is not null) is { } obstacle) throw new ConfigException($"routing: {obstacle}");
        var before = _config;
        var now = before with
        {
            Routing = next.Routing,
            Server = before.Server with
            {
                Hosts = next.Server.Hosts,
                ApiKeysFile = next.Server.ApiKeysFile,
                KeysRequired = next.Server.KeysRequired,
                RequestsPerMinute = next.Server.RequestsPerMinute,
                RequestBurst = next.Server.RequestBurst,
                BodySeconds = next.Server.BodySeconds,
                PixelLimit = next.Server.PixelLimit,
            },
            Budget = next.Budget,
            // A broker that is not there yet cannot be listened to.
            Cameras = Broker is null && Topics(next.Cameras).Length > 0 ? before.Cameras : next.Cameras,
            Escalation = before.Escalation is { } old && next.Escalation is { } wanted
                ? wanted with { Picture = old.Picture, Queue = old.Queue, Worker = old.Worker } : before.Escalation,
        };
        var client = now.Escalation is { } asked && ConfigChanges.Between(before.Escalation!, asked).Count > 0 ? Client(asked) : null;
        try
        {
            Doors.Change(now.Server.ToDoors());
        }
        catch
        {
            client?.Dispose();
            throw;
        }
        Budget.Change(now.Budget);
        Change(now.Cameras);
        if (client is not null) _paid!.Exchange(client);
        _config = now;
        return (ConfigChanges.Between(before, now), ConfigChanges.Between(now, next));
    }

    /// <summary>First what still works, then what it works with.</summary>
    public async ValueTask DisposeAsync()
    {
        Watching.Dispose();
        Cameras.Dispose();
        Broker?.Dispose();
        await Model.DisposeAsync();
        Watch.Dispose();
        Worker?.Dispose();
        Larger?.Dispose();
        _paid?.Dispose();
        Queue?.Dispose();
        _meters?.Dispose();
        Metrics.Dispose();
        _box.Dispose();
    }

    /// <exception cref="ConfigException">The endpoints' certificates cannot be used.</exception>
    private EscalationClient Client(EscalationOptions options)
    {
        try
        {
            return new EscalationClient(options, _instruments!);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or CryptographicException or UnauthorizedAccessException)
        {
            throw new ConfigException($"escalation: endpoints: {e.Message}");
        }
    }

    private bool IsWallKnown() => Config.Clock == ClockTrust.Always || WallClock.IsSynchronised();

    private MqttLink? MakeBroker(EdgeConfig config, TimeProvider clock)
    {
        if (config.Mqtt is not { } options) return null;
        var draws = Instruments.Draws(RandomNumberGenerator.GetInt32(int.MaxValue));
        return new MqttLink(options, Topics(config.Cameras), clock, draws, problem => Alarms.Set(AlarmKind.Broker, problem));
    }

    private WatchService MakeWatching(EdgeConfig config, TimeProvider clock)
    {
        Task<Reading> ReadAsync(WantedLook look, ViewOptions view, CancellationToken stop) =>
            FrameReader.ReadAsync(look, view, Pipeline, (Config.Routing, clock), stop);
        var ends = new WatchEnds(ReadAsync, _publications.Tell, Alarms, State("paused.json", WatchJson.Default.PausedCameras), Events);
        return new WatchService([.. config.Cameras.Select(ToWatched)], config.Watching, ends, clock) { Source = Cameras };
    }

    private WatchedCamera ToWatched(CameraOptions camera) =>
        new(camera.Name, camera.View, camera.Look, MessageSources.Of(camera.Message, Clock, topic => Broker?.Last(topic)));

    /// <summary>Topics on which messages of cameras come.</summary>
    private static string[] Topics(IReadOnlyList<CameraOptions> cameras) => [.. cameras.Select(camera => camera.Message?.Topic).OfType<string>().Distinct()];

    /// <summary>Other cameras from now on; those that stay as they are go on.</summary>
    private void Change(IReadOnlyList<CameraOptions> next)
    {
        string[] before = [.. Cameras.Cameras.Select(camera => camera.Name)], now = [.. next.Select(camera => camera.Name)];
        Broker?.Listen(Topics(next));
        var kept = Cameras.Change(next);
        Watching.Change(kept, [.. next.Where(camera => !kept.Contains(camera.Name)).Select(ToWatched)]);
        _publications.Change(now, [.. now.Except(before)], [.. before.Except(now)]);
    }

    private StateFile<T> State<T>(string name, JsonTypeInfo<T> type)
        where T : class => new(Path.Combine(Config.State, name), type, message => Alarms.Set(AlarmKind.State, message));

    /// <summary>What tells one gate from another.</summary>
    private static string HashGate(ModelFolder model) =>
        Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(model.Path, ModelFolder.GateName))));

    private static void CheckMode(EdgeConfig config, Solver solver, Gate? gate)
    {
        if (config.Routing.Mode.FindObstacle(gate is not null, config.Escalation is not null) is not { } obstacle) return;
        throw new ConfigException($"routing: {obstacle}. Run 'calibrate --model {solver.Folder.Path} --risk 0.01' to certify one, "
            + "or choose the mode local-only (answers are marked as uncertified) or escalate-all.");
    }
}

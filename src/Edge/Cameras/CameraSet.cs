using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vlm.Hosting;
using Vlm.Text;

namespace Vlm.Edge.Cameras;

/// <summary>A camera went down for a while, or is up again.</summary>
/// <param name="Camera">Its name.</param>
/// <param name="IsDown">Which of both.</param>
/// <param name="View">As it is now.</param>
/// <param name="Since">Since when, UTC.</param>
internal sealed record CameraNews(string Camera, bool IsDown, CameraView View, DateTimeOffset Since)
{
    /// <summary>Whether there is no such camera any more: it is neither down nor up.</summary>
    public bool IsGone { get; init; }
}

/// <summary>All cameras of the box: runs them, and tells when one goes down or comes back.</summary>
/// <remarks>The host starts and stops it. One loop and one source each, and one look at all of them a second.</remarks>
internal sealed class CameraSet : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1), LookForDarkness = TimeSpan.FromSeconds(10);
    private readonly CameraMeters _meters = new();
    private readonly SemaphoreSlim _arrivals = new(0, 1);
    private readonly Dictionary<string, Known> _known = [];
    private readonly Lock _changing = new();
    private readonly Dictionary<string, Run> _runs = [];
    private readonly List<Task> _ended = [];
    private readonly Func<CameraOptions, IFrameSource> _open;
    private readonly CameraTools _each;
    private readonly TimeProvider _clock;
    private readonly Action<CameraNews> _tell;
    private readonly ILogger _log;
    private volatile IReadOnlyList<Camera> _cameras;
    private CancellationToken? _stopping;

    /// <param name="cameras">Checked; names are unique.</param>
    /// <param name="open">Makes the source of one.</param>
    /// <param name="tell">Called when one went down for a while or came back; on the loop's own thread, so it must not wait.</param>
    /// <param name="tools">Clock, jitter and log.</param>
    public CameraSet(IReadOnlyList<CameraOptions> cameras, Func<CameraOptions, IFrameSource> open, Action<CameraNews> tell,
        (TimeProvider Clock, Func<double> Draw, ILogger Log) tools)
    {
        (_open, _clock, _tell, _log) = (open, tools.Clock, tell, tools.Log);
        _each = new CameraTools(tools.Clock, _meters, tools.Draw, tools.Log);
        _cameras = [.. cameras.Select(options => new Camera(options, open(options), _each, Arrived))];
        foreach (var camera in _cameras) _known[camera.Name] = Fresh(camera);
        _meters.Watch(() => _cameras);
    }

    /// <summary>In the order of the configuration.</summary>
    public IReadOnlyList<Camera> Cameras => _cameras;

    /// <summary>The camera of a name; null when there is none.</summary>
    public Camera? Find(string name) => _cameras.FirstOrDefault(camera => camera.Name == name);

    /// <summary>Since when a camera has been in the state that it is in, UTC.</summary>
    public DateTimeOffset Since(Camera camera)
    {
        lock (_known) return _known.TryGetValue(camera.Name, out var known) ? known.Since : _clock.GetUtcNow();
    }

    /// <summary>
    /// Other cameras from now on. Those of which every setting is as before go on as if nothing had happened; one that changed is opened anew once its source
    /// is let go; one that is gone is let go.
    /// </summary>
    /// <param name="next">Checked; names are unique.</param>
    /// <returns>Names of those that go on.</returns>
    public IReadOnlyList<string> Change(IReadOnlyList<CameraOptions> next)
    {
        lock (_changing)
        {
            var before = _cameras.ToDictionary(camera => camera.Name);
            List<Camera> now = [], kept = [];
            foreach (var options in next)
            {
                var old = before.GetValueOrDefault(options.Name);
                var isAsBefore = old is not null && ConfigChanges.Between(old.Options, options).Count == 0;
                now.Add(isAsBefore ? old! : new Camera(options, _open(options), _each, Arrived, old));
                if (isAsBefore) kept.Add(old!);
            }
            _cameras = now;
            lock (_known)
            {
                foreach (var camera in now) _known.TryAdd(camera.Name, Fresh(camera));
            }
            foreach (var name in before.Keys.Except(now.Select(camera => camera.Name))) _log.Changed(name, "it is gone");
            foreach (var camera in now.Except(kept)) _log.Changed(camera.Name, before.ContainsKey(camera.Name) ? "it is opened anew" : "it is new");
            if (_stopping is { IsCancellationRequested: false }) Exchange([.. before.Values.Except(kept)], [.. now.Except(kept)]);
            return [.. kept.Select(camera => camera.Name)];
        }
    }

    /// <summary>Waits until a picture arrived since the last call; which camera's, the cameras themselves tell. For one listener.</summary>
    public Task WaitForFramesAsync(CancellationToken stop) => _arrivals.WaitAsync(stop);

    /// <summary>One look at all of them: what changed is logged, and told once it has lasted.</summary>
    public void LookAtAll()
    {
        foreach (var camera in _cameras)
        {
            var view = camera.Now;
            lock (_known)
            {
                if (!_known.TryGetValue(camera.Name, out var before)) continue;
                var isAsBefore = before.State == view.State;
                var told = before.Told.Next(view.State.IsDown, _clock.GetElapsedTime(0));
                _known[camera.Name] = new Known(view.State, isAsBefore ? before.Since : _clock.GetUtcNow(), told);
                if (!isAsBefore) _log.Condition(camera.Name, view.State.Condition.ToLabel(), view.State.Reason.ToLabel(), view.Detail);
                if (told.IsDown == before.Told.IsDown) continue;
            }
            _tell(new CameraNews(camera.Name, view.State.IsDown, view, Since(camera)));
        }
        ForgetThoseGone();
    }

    public override void Dispose()
    {
        base.Dispose();
        _meters.Dispose();
        _arrivals.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        lock (_changing)
        {
            _stopping = stoppingToken;
            Exchange([], _cameras);
        }
        try
        {
            var looked = _clock.GetTimestamp();
            while (!stoppingToken.IsCancellationRequested)
            {
                await Task.Delay(Look, _clock, stoppingToken);
                LookAtAll();
                if (_clock.GetElapsedTime(looked) < LookForDarkness) continue;
                looked = _clock.GetTimestamp();
                foreach (var camera in _cameras) camera.LookForDarkness();
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon ends; its cameras with it.
        }
        Task[] all;
        lock (_changing) all = [.. _runs.Values.Select(run => run.Ended), .. _ended];
        await Task.WhenAll(all);
    }

    /// <summary>Under the lock: stops some, and starts others once those of their names have let go of their sources.</summary>
    private void Exchange(IReadOnlyList<Camera> old, IReadOnlyList<Camera> now)
    {
        _ended.RemoveAll(task => task.IsCompleted);
        var letGo = new Dictionary<string, Task>();
        foreach (var camera in old)
        {
            if (!_runs.Remove(camera.Name, out var run)) continue;
            letGo[camera.Name] = StopAsync(run);
            _ended.Add(letGo[camera.Name]);
        }
        foreach (var camera in now)
        {
            var stop = CancellationTokenSource.CreateLinkedTokenSource(_stopping!.Value);
            var after = letGo.GetValueOrDefault(camera.Name, Task.CompletedTask);
            _runs[camera.Name] = new Run(stop, Task.Run(() => RunAsync(camera, after, stop.Token), CancellationToken.None));
        }
    }

    private static async Task RunAsync(Camera camera, Task after, CancellationToken stop)
    {
        await after;
        await camera.RunAsync(stop);
    }

    private static async Task StopAsync(Run run)
    {
        await run.Stop.CancelAsync();
        await run.Ended;
        run.Stop.Dispose();
    }

    /// <summary>Of those that are no longer configured nothing is wrong any more.</summary>
    private void ForgetThoseGone()
    {
        string[] gone;
        lock (_known)
        {
            gone = [.. _known.Keys.Except(_cameras.Select(camera => camera.Name))];
            foreach (var name in gone) _known.Remove(name);
        }
        foreach (var name in gone) _tell(new CameraNews(name, false, Nothing, _clock.GetUtcNow()) { IsGone = true });
    }

    private static CameraView Nothing { get; } = new(new CameraState(CameraCondition.Offline, CameraReason.None), "", null, null, new CameraCounts(0, 0, 0, 0));

    private Known Fresh(Camera camera) => new(camera.Now.State, _clock.GetUtcNow(), Debounce.Start);

    private void Arrived()
    {
        try
        {
            if (_arrivals.CurrentCount == 0) _arrivals.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another camera was quicker; one wake-up is enough.
        }
        catch (ObjectDisposedException)
        {
            // The daemon ended meanwhile.
        }
    }

    /// <summary>A camera that runs.</summary>
    private sealed record Run(CancellationTokenSource Stop, Task Ended);

    private sealed record Known(CameraState State, DateTimeOffset Since, Debounce Told);
}

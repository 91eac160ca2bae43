using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vlm.Text;

namespace Vlm.Edge.Cameras;

/// <summary>A camera went down for a while, or is up again.</summary>
/// <param name="Camera">Its name.</param>
/// <param name="IsDown">Which of both.</param>
/// <param name="View">As it is now.</param>
/// <param name="Since">Since when, UTC.</param>
internal sealed record CameraNews(string Camera, bool IsDown, CameraView View, DateTimeOffset Since);

/// <summary>All cameras of the box: runs them, and tells when one goes down or comes back.</summary>
/// <remarks>The host starts and stops it. One loop and one source each, and one look at all of them a second.</remarks>
internal sealed class CameraSet : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1), LookForDarkness = TimeSpan.FromSeconds(10);
    private readonly CameraMeters _meters = new();
    private readonly SemaphoreSlim _arrivals = new(0, 1);
    private readonly Dictionary<string, Known> _known = [];
    private readonly TimeProvider _clock;
    private readonly Action<CameraNews> _tell;
    private readonly ILogger _log;

    /// <param name="cameras">Checked; names are unique.</param>
    /// <param name="open">Makes the source of one.</param>
    /// <param name="tell">Called when one went down for a while or came back; on the loop's own thread, so it must not wait.</param>
    /// <param name="tools">Clock, jitter and log.</param>
    public CameraSet(IReadOnlyList<CameraOptions> cameras, Func<CameraOptions, IFrameSource> open, Action<CameraNews> tell,
        (TimeProvider Clock, Func<double> Draw, ILogger Log) tools)
    {
        (_clock, _tell, _log) = (tools.Clock, tell, tools.Log);
        var each = new CameraTools(tools.Clock, _meters, tools.Draw, tools.Log);
        Cameras = [.. cameras.Select(options => new Camera(options, open(options), each, Arrived))];
        foreach (var camera in Cameras) _known[camera.Name] = new Known(camera.Now.State, _clock.GetUtcNow(), Debounce.Start);
        _meters.Watch(Cameras);
    }

    /// <summary>In the order of the configuration.</summary>
    public IReadOnlyList<Camera> Cameras { get; }

    /// <summary>The camera of a name; null when there is none.</summary>
    public Camera? Find(string name) => Cameras.FirstOrDefault(camera => camera.Name == name);

    /// <summary>Since when a camera has been in the state that it is in, UTC.</summary>
    public DateTimeOffset Since(Camera camera)
    {
        lock (_known) return _known[camera.Name].Since;
    }

    /// <summary>Waits until a picture arrived since the last call; which camera's, the cameras themselves tell. For one listener.</summary>
    public Task WaitForFramesAsync(CancellationToken stop) => _arrivals.WaitAsync(stop);

    /// <summary>One look at all of them: what changed is logged, and told once it has lasted.</summary>
    public void LookAtAll()
    {
        foreach (var camera in Cameras)
        {
            var view = camera.Now;
            lock (_known)
            {
                var before = _known[camera.Name];
                var isAsBefore = before.State == view.State;
                var told = before.Told.Next(view.State.IsDown, _clock.GetElapsedTime(0));
                _known[camera.Name] = new Known(view.State, isAsBefore ? before.Since : _clock.GetUtcNow(), told);
                if (!isAsBefore) _log.Condition(camera.Name, view.State.Condition.ToLabel(), view.State.Reason.ToLabel(), view.Detail);
                if (told.IsDown == before.Told.IsDown) continue;
            }
            _tell(new CameraNews(camera.Name, view.State.IsDown, view, Since(camera)));
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _meters.Dispose();
        _arrivals.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (Cameras.Count == 0) return;
        var running = Cameras.Select(camera => Task.Run(() => camera.RunAsync(stoppingToken), CancellationToken.None)).ToArray();
        try
        {
            var looked = _clock.GetTimestamp();
            while (!stoppingToken.IsCancellationRequested)
            {
                await Task.Delay(Look, _clock, stoppingToken);
                LookAtAll();
                if (_clock.GetElapsedTime(looked) < LookForDarkness) continue;
                looked = _clock.GetTimestamp();
                foreach (var camera in Cameras) camera.LookForDarkness();
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon ends; its cameras with it.
        }
        await Task.WhenAll(running);
    }

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

    private sealed record Known(CameraState State, DateTimeOffset Since, Debounce Told);
}

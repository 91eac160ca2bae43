using Microsoft.Extensions.Hosting;
using Vlm.Edge.Cameras;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;

namespace Vlm.Edge.Watching;

/// <summary>Looks at a frame.</summary>
/// <param name="look">The frame and the message.</param>
/// <param name="view">What of the frame may be seen.</param>
/// <param name="stop">Ends it.</param>
internal delegate Task<Reading> ReadFrame(WantedLook look, ViewOptions view, CancellationToken stop);

/// <summary>Where the watching ends.</summary>
/// <param name="Read">Looks at a frame.</param>
/// <param name="Tell">Hears what is published. Called under a camera's lock: it must be quick and must not ask back.</param>
/// <param name="Alarms">Hear what is wrong.</param>
/// <param name="Paused">Which cameras are paused; kept.</param>
/// <param name="Events">Tell when a published answer is put right.</param>
internal sealed record WatchEnds(ReadFrame Read, Action<WatchNews> Tell, Alarms Alarms, StateFile<PausedCameras> Paused, EventStream Events);

/// <summary>All cameras that are watched: takes their frames, and looks at those that are worth it, in turns.</summary>
internal sealed class WatchService : BackgroundService
{
    private static readonly TimeSpan HealthEvery = TimeSpan.FromSeconds(10);
    private readonly LookQueue _queue;
    private readonly WatchTools _tools;
    private readonly WatchMeters _meters = new();
    private readonly WatchOptions _options;
    private readonly WatchEnds _ends;
    private readonly TimeProvider _clock;
    private readonly Lock _changing = new();
    private volatile IReadOnlyDictionary<string, Watcher> _watchers;

    /// <param name="cameras">The cameras; their names differ.</param>
    /// <param name="options">Checked.</param>
    /// <param name="ends">Where it ends.</param>
    /// <param name="clock">The clock of everything.</param>
    public WatchService(IReadOnlyList<WatchedCamera> cameras, WatchOptions options, WatchEnds ends, TimeProvider clock)
    {
        (_options, _ends, _clock) = (options, ends, clock);
        _queue = new LookQueue(new LookTurns(cameras.ToDictionary(camera => camera.Name, camera => camera.Look.PerMinute)), clock);
        _tools = new WatchTools(_queue, _meters, clock, ends.Tell);
        _watchers = cameras.ToDictionary(camera => camera.Name, camera => new Watcher(camera, _tools));
        foreach (var name in ends.Paused.Load()?.Cameras ?? [])
        {
            if (_watchers.TryGetValue(name, out var watcher)) watcher.Pause(true);
        }
        _meters.Watch(() => (_queue.Waiting, _watchers.Keys.Select(_queue.WaitOf).DefaultIfEmpty().Max()));
    }

    /// <summary>Where Linux tells how hot the machine is.</summary>
    public string ThermalFolder { get; init; } = ThermalZones.Folder;

    /// <summary>Where frames come from; null where they are given to <see cref="Take"/>.</summary>
    public CameraSet? Source { get; init; }

    /// <summary>The cameras, by name.</summary>
    public IReadOnlyDictionary<string, Watcher> Watchers => _watchers;

    /// <summary>How fast turns come; 1 as configured.</summary>
    public double Pace => _queue.Pace;

    /// <summary>Takes in a frame; one of a camera that is gone is nothing.</summary>
    public void Take(Frame frame) => _watchers.GetValueOrDefault(frame.Camera)?.Take(frame);

    /// <summary>Other cameras from now on. What is published of those that go on stays so; of the others it is withdrawn.</summary>
    /// <param name="kept">Names of those that go on as they are; all others that are watched now are over.</param>
    /// <param name="others">New ones, and those that take the place of one of the same name; they are paused if it was.</param>
    public void Change(IReadOnlyList<string> kept, IReadOnlyList<WatchedCamera> others)
    {
        lock (_changing)
        {
            var before = _watchers;
            var paused = before.Values.Where(watcher => watcher.Describe().IsPaused).Select(watcher => watcher.Name).ToHashSet();
            var over = before.Values.Where(watcher => !kept.Contains(watcher.Name)).ToArray();
            var next = before.Values.Except(over).Concat(others.Select(camera => new Watcher(camera, _tools))).ToDictionary(watcher => watcher.Name);
            foreach (var camera in others.Where(camera => paused.Contains(camera.Name))) next[camera.Name].Pause(true);
            foreach (var watcher in over) watcher.End(next.ContainsKey(watcher.Name) ? WithdrawalReason.CameraChanged : WithdrawalReason.CameraGone);
            _queue.Change(next.ToDictionary(watcher => watcher.Key, watcher => watcher.Value.Watched.Look.PerMinute));
            _watchers = next;
            if (!paused.IsSubsetOf(next.Keys)) SavePaused();
            foreach (var message in over.Select(watcher => watcher.Watched.Message).OfType<IDisposable>()) message.Dispose();
        }
    }

    /// <summary>Pauses a camera or lets it go on; remembered across restarts.</summary>
    /// <returns>False when there is no such camera.</returns>
    public bool Pause(string camera, bool isPaused)
    {
        lock (_changing)
        {
            if (!_watchers.TryGetValue(camera, out var watcher)) return false;
            watcher.Pause(isPaused);
            SavePaused();
        }
        return true;
    }

    /// <summary>Puts right what is published, when the larger model or a person says otherwise of it.</summary>
    public void Hear(EdgeEvent happened)
    {
        foreach (var watcher in _watchers.Values)
        {
            switch (happened)
            {
                case EdgeEvent.Corrected(var id, var correction):
                    watcher.Correct(id, answer => answer.Text == correction.Text ? answer : answer with
                    {
                        Text = correction.Text,
                        By = Answers.AnsweredBy.Escalation,
                        Model = correction.Model,
                        Confidence = null,
                        IsCertified = false,
                    });
                    break;
                case EdgeEvent.Reviewed(var id, var review):
                    watcher.Correct(id, answer => answer.Text == review.Text
                        ? answer
                        : answer with { Text = review.Text, Confidence = null, IsCertified = false });
                    break;
            }
        }
    }

    /// <summary>Looks for what is wrong, and for what is over.</summary>
    public void LookAfter()
    {
        var hot = _watchers.Count == 0 ? null : ThermalRule.Hot(ThermalZones.Read(ThermalFolder), _queue.Pace < 1, _options.SlowAtCelsius);
        _queue.Pace = hot is null ? 1 : ThermalRule.SlowPace;
        _ends.Alarms.Set(AlarmKind.Hot, hot is null ? null : $"The machine is too hot ({hot.Name}: {hot.Celsius:F0} °C), so cameras are looked at less often");
        foreach (var camera in Source?.Cameras ?? [])
            _ends.Tell(new WatchNews.Camera(camera.Name, camera.Now.State.Condition, camera.Now.State.Reason, Source!.Since(camera)));
        var silent = _watchers.Values.Select(watcher => watcher.Describe()).FirstOrDefault(state => state.Message.Problem is not null);
        _ends.Alarms.Set(AlarmKind.NoMessage, silent is null ? null : $"The camera '{silent.Camera}' has no message: {silent.Message.Problem}");
    }

    public override void Dispose()
    {
        foreach (var message in _watchers.Values.Select(watcher => watcher.Watched.Message).OfType<IDisposable>()) message.Dispose();
        _meters.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
    [
        .. Enumerable.Range(0, _options.AtOnce).Select(_ => WorkAsync(stoppingToken)),
        LookAfterAsync(stoppingToken), ListenAsync(stoppingToken), Task.Run(() => FollowAsync(stoppingToken), CancellationToken.None),
    ]);

    /// <summary>Takes the newest frame of each camera as they come.</summary>
    private async Task FollowAsync(CancellationToken stop)
    {
        if (Source is null) return;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Source.WaitForFramesAsync(stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            foreach (var camera in Source.Cameras)
            {
                if (camera.Take() is { } frame) Take(frame);
            }
        }
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        while (true)
        {
            DueLook due;
            try
            {
                due = await _queue.TakeAsync(stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            try
            {
                await LookAsync(due, stop);
            }
            finally
            {
                _queue.Done(due.Look.Frame.Camera);
            }
        }
    }

    private async Task LookAsync(DueLook due, CancellationToken stop)
    {
        if (_watchers.GetValueOrDefault(due.Look.Frame.Camera) is not { } watcher || !watcher.IsWanted(due.Look)) return;
        _meters.Looked(watcher.Name, due.Look.Reason, due.Waited);
        watcher.Take(due.Look, await ReadAsync(due.Look, watcher.View, stop));
    }

    private void SavePaused() =>
        _ends.Paused.Save(new PausedCameras([.. _watchers.Values.Where(each => each.Describe().IsPaused).Select(each => each.Name)]));

    private async Task<Reading> ReadAsync(WantedLook look, ViewOptions view, CancellationToken stop)
    {
        try
        {
            return await _ends.Read(look, view, stop);
        }
#pragma warning disable CA1031 // Whatever goes wrong with one look, the next one must still be taken.
        catch (Exception error) when (!stop.IsCancellationRequested)
#pragma warning restore CA1031
        {
            _ends.Alarms.Raise(AlarmKind.Model, $"A look at the camera '{look.Frame.Camera}' failed: {error.Message}", error);
            return new Reading(ReadingKind.Failed, look.Code, "", FrameNumber.Of(look.Frame));
        }
    }

    /// <summary>Hears of corrections and reviews, wherever they come from.</summary>
    private async Task ListenAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var subscription = _watchers.Count == 0 ? null : _ends.Events.Listen(after: null);
            try
            {
                // Cut off when it fell too far behind, without a place or without a camera: a while later it listens again. What it missed stays as it was
                // published.
                if (subscription is not null)
                {
                    await foreach (var happened in subscription.Events.ReadAllAsync(stop)) Hear(happened.Event);
                }
                await Task.Delay(HealthEvery, _clock, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task LookAfterAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            LookAfter();
            await Task.Delay(HealthEvery, _clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

using System.Diagnostics;
using Vlm.Edge.Answers;
using Vlm.Edge.Cameras;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Edge.Tests.Api;
using Vlm.Edge.Tests.Queries;
using Vlm.Edge.Tests.Scenes;
using Vlm.Edge.Watching;

namespace Vlm.Edge.Tests.Watching;

/// <summary>Tests that measure the process: nothing else runs meanwhile.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>All cameras together.</summary>
[Collection(nameof(Alone))]
public sealed class WatchServiceTests : IDisposable
{
    private static readonly string[] Names = ["door", "gate", "press", "yard"];
    private readonly TestFiles _files = new();
    private readonly List<WatchNews> _news = [];
    private long _sequence;

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Ten_thousand_frames_leave_nothing_behind()
    {
        await using var rig = new DaemonRig(0.99, null, config => config with { Cache = new CacheOptions { Entries = 4 } });
        using var service = Service(rig, look => FrameReader.ReadAsync(
            look, new ViewOptions { Masks = [new Region { Width = 0.1 }] }, rig.Daemon.Pipeline, (rig.Config.Routing, TimeProvider.System), ServeRig.Stop));
        await service.StartAsync(ServeRig.Stop);
        var file = Desk.Once(Desk.File);

        await Play(service, file, 2000);
        var before = Measure();
        await Play(service, file, 8000);
        var after = Measure();
        await service.StopAsync(ServeRig.Stop);

        Assert.NotEmpty(_news);
        Assert.InRange(after.Bytes - before.Bytes, long.MinValue, 8 << 20);
        Assert.InRange(after.Handles - before.Handles, int.MinValue, 4);
        Assert.InRange(after.Threads - before.Threads, int.MinValue, 8);
    }

    [Fact]
    public async Task A_look_that_fails_does_not_end_the_others()
    {
        var failed = 0;
        await using var rig = new DaemonRig(0.99, null);
        using var service = Service(rig, look => look.Frame.Camera == "gate" && Interlocked.Increment(ref failed) > 0
            ? throw new InvalidOperationException("broken")
            : Task.FromResult(Answered(look)));
        await service.StartAsync(ServeRig.Stop);

        while (_news.Count < 3 || failed < 3)
        {
            foreach (var name in Names) service.Take(Frame(name, Desk.File(new DeskScene { Sheet = 1 })));
            await Task.Delay(5, ServeRig.Stop);
        }

        Assert.True(rig.Daemon.Alarms.Stands(AlarmKind.Model));
        Assert.DoesNotContain("gate", _news.Select(news => news.Name));
        await service.StopAsync(ServeRig.Stop);
    }

    [Fact]
    public async Task A_hot_machine_looks_less_often_with_an_alarm_until_it_is_cooler()
    {
        await using var rig = new DaemonRig(0.99, null);
        using var service = Service(rig, look => Task.FromResult(Answered(look)));
        var zone = Directory.CreateDirectory(_files.File("thermal/thermal_zone0")).FullName;
        foreach (var (celsius, pace) in new[] { (60, 1), (91, ThermalRule.SlowPace), (83, ThermalRule.SlowPace), (79, 1) })
        {
            File.WriteAllText(Path.Combine(zone, "temp"), $"{celsius}000\n");
            service.LookAfter();
            Assert.Equal((pace, pace < 1), (service.Pace, rig.Daemon.Alarms.Stands(AlarmKind.Hot)));
        }
    }

    [Fact]
    public async Task A_paused_camera_is_paused_after_a_restart_too()
    {
        await using var rig = new DaemonRig(0.99, null);
        using (var service = Service(rig, look => Task.FromResult(Answered(look))))
        {
            Assert.True(service.Pause("gate", true));
            Assert.False(service.Pause("nowhere", true));
        }
        using var later = Service(rig, look => Task.FromResult(Answered(look)));
        Assert.Equal(["gate"], later.Watchers.Values.Where(watcher => watcher.Describe().IsPaused).Select(watcher => watcher.Name));
        later.Pause("gate", false);
        using var last = Service(rig, look => Task.FromResult(Answered(look)));
        Assert.DoesNotContain(last.Watchers.Values, watcher => watcher.Describe().IsPaused);
    }

    [Fact]
    public async Task Of_other_cameras_what_is_published_stays_for_those_that_go_on_and_is_withdrawn_for_the_others()
    {
        await using var rig = new DaemonRig(0.99, null);
        using var service = Service(rig, look => Task.FromResult(Answered(look)));
        foreach (var name in Names) Publish(service, name);
        service.Pause("press", true);
        _news.Clear();
        var old = service.Watchers["yard"];

        service.Change(["door"], [Watched("gate"), Watched("press"), Watched("new")]);

        Assert.Equal(
            [("gate", WithdrawalReason.CameraChanged), ("yard", WithdrawalReason.CameraGone)],
            _news.Cast<WatchNews.Withdrawn>().Select(news => (news.Name, news.Reason)).Order());
        Assert.Equal(["door", "gate", "new", "press"], service.Watchers.Keys.Order());
        Assert.NotNull(service.Watchers["door"].Describe().Published);
        Assert.True(service.Watchers["press"].Describe().IsPaused);
        // What was under way of the old ones is not published any more, and frames of those that are gone are nothing.
        var late = new WantedLook(Frame("yard", Desk.File(new DeskScene { Sheet = 1 })), "a b", 2, LookReason.Again);
        old.Take(late, Answered(late));
        old.Take(late, Answered(late));
        service.Take(late.Frame);
        Assert.Null(old.Describe().Published);
        // A new one is read as any other.
        Publish(service, "new");
        Assert.Equal("new", _news[^1].Name);

        service.Change(["door"], []);
        using var later = Service(rig, look => Task.FromResult(Answered(look)));
        Assert.DoesNotContain(later.Watchers.Values, watcher => watcher.Describe().IsPaused);
    }

    [Fact]
    public async Task A_correction_or_a_review_of_what_is_published_is_published()
    {
        await using var rig = new DaemonRig(0.99, null);
        using var service = Service(rig, look => Task.FromResult(Answered(look)));
        Publish(service, "door");
        var id = Assert.IsType<WatchNews.Published>(Assert.Single(_news)).Answer.Id;

        service.Hear(new EdgeEvent.Corrected(id, new Correction("dog", "larger", false, EscalationReason.LowConfidence, default)));
        service.Hear(new EdgeEvent.Reviewed(id, new Review("fog", "eve", false, default)));
        service.Hear(new EdgeEvent.Reviewed("another", new Review("no", "eve", false, default)));

        Assert.Equal(
            [("cat", AnsweredBy.Edge, true), ("dog", AnsweredBy.Escalation, false), ("fog", AnsweredBy.Escalation, false)],
            _news.Cast<WatchNews.Published>().Select(news => (news.Answer.Text, news.Answer.By, news.Answer.IsCertified)));
    }

    /// <summary>Two frames of a camera that are read alike.</summary>
    private void Publish(WatchService service, string camera)
    {
        foreach (var look in Enumerable.Range(0, 2).Select(_ => Frame(camera, Desk.File(new DeskScene { Sheet = 1 }))))
        {
            service.Take(look);
            service.Watchers[camera].Take(new WantedLook(look, "a b", 2, LookReason.Again), Answered(new WantedLook(look, "a b", 2, LookReason.Again)));
        }
    }

    private static WatchedCamera Watched(string name) => new(name, new ViewOptions(), new LookOptions { PerMinute = 6000 }, new TestMessage("a b"));

    private WatchService Service(DaemonRig rig, Func<WantedLook, Task<Reading>> read)
    {
        var ends = new WatchEnds(
            (wanted, _, _) => read(wanted), Hear, rig.Daemon.Alarms,
            new StateFile<PausedCameras>(_files.File("paused.json"), WatchJson.Default.PausedCameras, _ => { }), rig.Daemon.Events);
        return new WatchService(
            [.. Names.Select(Watched)], new WatchOptions(), ends, TimeProvider.System)
        {
            ThermalFolder = _files.File("thermal"),
        };
    }

    private void Hear(WatchNews news)
    {
        lock (_news)
        {
            if (_news.Count < 100) _news.Add(news);
        }
    }

    private async Task Play(WatchService service, Func<DeskScene, byte[]> file, int frames)
    {
        for (var i = 0; i < frames; i++)
        {
            var scene = new DeskScene { Sheet = 1 + (i / 80 % 3), Hand = i % 80 < 8 ? i % 8 / 8.0 : null, Noise = i / 4 % 3 };
            service.Take(Frame(Names[i % 4], file(scene)));
            if (i % 16 == 0) await Task.Delay(1, ServeRig.Stop);
        }
    }

    private Frame Frame(string camera, byte[] file) =>
        new(camera, file, TimeProvider.System.GetTimestamp(), DateTimeOffset.UnixEpoch, Interlocked.Increment(ref _sequence), 1, FrameIntegrity.Intact);

    private static Reading Answered(WantedLook look) => new(ReadingKind.Answer, look.Code, "cat", FrameNumber.Of(look.Frame))
    {
        Answer = new Answer { Id = $"{look.Frame.Sequence}", Text = "cat", By = AnsweredBy.Edge, Model = "scripted", IsCertified = true },
    };

    private static (long Bytes, int Handles, int Threads) Measure()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        using var self = Process.GetCurrentProcess();
        return (GC.GetTotalMemory(forceFullCollection: true), self.HandleCount, self.Threads.Count);
    }
}

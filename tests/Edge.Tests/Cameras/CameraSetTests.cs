using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Cameras;

namespace Vlm.Edge.Tests.Cameras;

public sealed class CameraSetTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ScriptedSource _source = new();
    private readonly List<CameraNews> _news = [];
    private readonly CameraSet _set;

    public CameraSetTests() => _set = new CameraSet(
        [new CameraOptions { Name = "door", Snapshot = "http://camera/picture" }], _ => _source, _news.Add, (_clock, () => 0, NullLogger.Instance));

    [Fact]
    public async Task A_camera_is_told_of_when_it_is_down_for_thirty_seconds_and_when_it_is_up_again_for_as_long()
    {
        var stop = TestContext.Current.CancellationToken;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var running = Task.Run(() => _set.Cameras[0].RunAsync(end.Token), stop);
        var number = 0;
        async Task Pass(int seconds, bool hasPictures)
        {
            for (var second = 0; second < seconds; second++)
            {
                if (hasPictures)
                {
                    await _source.Give(new SourcePicture(CameraPictures.Jpeg(++number), FrameIntegrity.Intact), stop);
                    await _source.Asked(stop);
                }
                _clock.Advance(TimeSpan.FromSeconds(1));
                _set.LookAtAll();
            }
        }

        await Pass(60, hasPictures: true);
        await Pass(39, hasPictures: false);
        await Pass(60, hasPictures: true);
        Assert.Empty(_news);
        await Pass(60, hasPictures: false);
        Assert.Equal((true, CameraReason.Stalled), (Assert.Single(_news).IsDown, _news[0].View.State.Reason));
        await Pass(60, hasPictures: true);

        Assert.Equal([true, false], _news.Select(news => news.IsDown));
        Assert.InRange((_news[1].Since - _news[0].Since).TotalSeconds, 40, 60);
        Assert.Equal(CameraCondition.Online, _set.Cameras[0].Now.State.Condition);
        await end.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Whoever_waits_for_pictures_is_woken_by_any_camera()
    {
        var stop = TestContext.Current.CancellationToken;
        await _set.StartAsync(stop);
        var waiting = _set.WaitForFramesAsync(stop);
        Assert.False(waiting.IsCompleted);
        await _source.Give(new SourcePicture(CameraPictures.Jpeg(1), FrameIntegrity.Intact), stop);

        await waiting;
        Assert.NotNull(_set.Find("door")!.Take());
        Assert.Null(_set.Find("gate"));
        await _set.StopAsync(stop);
    }

    [Fact]
    public async Task Of_other_cameras_those_that_are_as_before_go_on_the_changed_are_opened_anew_and_the_others_let_go()
    {
        var stop = TestContext.Current.CancellationToken;
        var sources = new List<(string Name, ScriptedSource Source)>();
        using var set = new CameraSet([Of("kept"), Of("changed"), Of("gone")], Open, _news.Add, (_clock, () => 0, NullLogger.Instance));
        await set.StartAsync(stop);
        foreach (var (_, source) in sources)
        {
            await source.Give(new SourcePicture(CameraPictures.Jpeg(1), FrameIntegrity.Intact), stop);
            await source.Asked(stop);
        }
        var kept = set.Find("kept")!;

        Assert.Equal(["kept"], set.Change([Of("new"), Of("kept"), Of("changed") with { FramesPerSecond = 5 }]));

        Assert.Equal(["new", "kept", "changed"], set.Cameras.Select(camera => camera.Name));
        Assert.Same(kept, set.Find("kept"));
        Assert.Equal(["kept", "changed", "gone", "new", "changed"], sources.Select(source => source.Name));
        // The old ones are let go of, and then the new ones are opened; the one that is kept is neither.
        foreach (var (name, source) in sources.Skip(3)) await source.Asked(stop);
        await Task.WhenAll(sources[1].Source.LetGo, sources[2].Source.LetGo).WaitAsync(stop);
        Assert.Equal([1, 1, 1, 1, 1], sources.Select(source => source.Source.Opened));
        Assert.False(sources[0].Source.LetGo.IsCompleted);
        // What comes is known to be newer than what came before.
        var before = set.Find("changed")!.Now.Counts;
        await sources[4].Source.Give(new SourcePicture(CameraPictures.Jpeg(2), FrameIntegrity.Intact), stop);
        await sources[4].Source.Asked(stop);
        Assert.Equal((2, true), (set.Find("changed")!.Now.Newest!.Sequence, before.Epoch > 1));
        await set.StopAsync(stop);
        Assert.All(sources, source => Assert.True(source.Source.LetGo.IsCompleted));

        IFrameSource Open(CameraOptions options)
        {
            sources.Add((options.Name, new ScriptedSource()));
            return sources[^1].Source;
        }

        static CameraOptions Of(string name) => new() { Name = name, Snapshot = "http://camera/picture" };
    }

    [Fact]
    public void A_camera_that_was_down_and_is_gone_is_told_to_be_gone_once()
    {
        for (var second = 0; second < 60; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            _set.LookAtAll();
        }
        Assert.True(Assert.Single(_news).IsDown);

        _set.Change([]);
        _set.LookAtAll();
        _set.LookAtAll();

        Assert.Equal([(true, false), (false, true)], _news.Select(news => (news.IsDown, news.IsGone)));
    }

    public void Dispose() => _set.Dispose();
}

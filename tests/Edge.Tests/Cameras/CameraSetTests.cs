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

    public void Dispose() => _set.Dispose();
}

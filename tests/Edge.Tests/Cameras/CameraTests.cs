using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Cameras;

namespace Vlm.Edge.Tests.Cameras;

public sealed class CameraTests : IAsyncLifetime
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly PausesClock _clock = new();
    private readonly ScriptedSource _source = new();
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly CameraMeters _meters = new();
    private readonly Camera _camera;
    private int _arrivals;
    private Task _running = Task.CompletedTask;

    public CameraTests() => _camera = new Camera(
        new CameraOptions { Name = "door", Snapshot = "http://camera/picture" }, _source,
        new CameraTools(_clock, _meters, () => 0, NullLogger.Instance), () => Interlocked.Increment(ref _arrivals));

    [Fact]
    public async Task Only_the_newest_picture_is_kept_and_those_that_it_replaced_are_counted()
    {
        foreach (var number in (int[])[1, 2, 3]) await _source.Give(Picture(number), _stop.Token);
        await _source.Give(new SourcePicture(CameraPictures.Jpeg(4), FrameIntegrity.Damaged), _stop.Token);
        await _source.Asked(_stop.Token);

        Assert.Equal(3, _camera.Take()!.Sequence);
        Assert.Null(_camera.Take());
        Assert.Equal((4, 3, 3), (_camera.Now.Counts.Frames, _camera.Now.Counts.Dropped, _arrivals));
    }

    [Fact]
    public async Task A_source_that_fails_is_opened_again_after_pauses_and_what_came_before_is_gone()
    {
        await _source.Give(Picture(1), _stop.Token);
        await _source.Fail(new SourceException(CameraReason.ServerError, "It answers with status 500."), _stop.Token);
        await Reopened(2, Second / 2);
        await _source.Fail(new InvalidOperationException("a fault"), _stop.Token);
        await Reopened(3, Second);
        await _source.Give(Picture(2), _stop.Token);
        await _source.Asked(_stop.Token);

        Assert.Equal((2, 3), (_camera.Take()!.Sequence, _camera.Now.Counts.Epoch));
        Assert.Equal(1, _camera.Now.Counts.Dropped);
    }

    [Fact]
    public async Task A_frozen_source_is_opened_again_once()
    {
        for (var second = 0; second <= 30; second++)
        {
            await _source.Give(Picture(1), _stop.Token);
            await _source.Asked(_stop.Token);
            _clock.Advance(Second);
        }
        await _source.Give(Picture(1), _stop.Token);
        await Reopened(2, Second / 2);
        for (var second = 0; second < 60; second++)
        {
            await _source.Give(Picture(1), _stop.Token);
            await _source.Asked(_stop.Token);
            _clock.Advance(Second);
        }

        Assert.Equal((2, CameraCondition.Frozen), (_source.Opened, _camera.Now.State.Condition));
    }

    [Fact]
    public async Task A_black_picture_makes_the_camera_dark_and_one_that_cannot_be_decoded_damaged()
    {
        await _source.Give(new SourcePicture(CameraPictures.Dark(), FrameIntegrity.Intact), _stop.Token);
        await _source.Asked(_stop.Token);
        _camera.LookForDarkness();
        Assert.Equal(CameraReason.Dark, _camera.Now.State.Reason);
        await _source.Give(Picture(1), _stop.Token);
        await _source.Asked(_stop.Token);
        _camera.LookForDarkness();
        Assert.Equal(CameraReason.None, _camera.Now.State.Reason);
        // Half of it, with an end mark put behind as some cameras do.
        var half = CameraPictures.Jpeg(2, 640, 480);
        await _source.Give(new SourcePicture((byte[])[.. half[..(half.Length / 2)], 0xFF, 0xD9], FrameIntegrity.Intact), _stop.Token);
        await _source.Asked(_stop.Token);
        _camera.LookForDarkness();

        Assert.Equal(CameraReason.Damaged, _camera.Now.State.Reason);
    }

    public ValueTask InitializeAsync()
    {
        _running = Task.Run(() => _camera.RunAsync(_stop.Token));
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _meters.Dispose();
    }

    /// <summary>Waits for the pause, lets it pass, and waits until the source is open again.</summary>
    private async Task Reopened(int times, TimeSpan pause)
    {
        await _clock.Paused.WaitAsync(_stop.Token);
        _clock.Advance(pause);
        await _source.Asked(_stop.Token);
        Assert.Equal(times, _source.Opened);
    }

    private static SourcePicture Picture(int number) => new(CameraPictures.Jpeg(number), FrameIntegrity.Intact);

    /// <summary>A clock that tells when somebody begins to wait for it.</summary>
    private sealed class PausesClock : FakeTimeProvider
    {
        public SemaphoreSlim Paused { get; } = new(0);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Paused.Release();
            return timer;
        }
    }
}

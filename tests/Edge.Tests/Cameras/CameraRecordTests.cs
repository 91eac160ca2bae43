using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Cameras;

namespace Vlm.Edge.Tests.Cameras;

public sealed class CameraRecordTests
{
    private static readonly CameraLimits Live = new(Liveness.Live, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30));
    private readonly JumpingClock _clock = new();

    [Fact]
    public void Frames_are_numbered_over_openings_and_carry_arrival_and_epoch()
    {
        var record = new CameraRecord("door", Live, _clock);
        record.Open();
        var first = record.Take(Intact(1));
        _clock.Advance(TimeSpan.FromSeconds(2));
        record.Open();
        var second = record.Take(Intact(2));

        Assert.Equal((1, 1, "door"), (first.Sequence, first.Epoch, first.Camera));
        Assert.Equal((2, 2), (second.Sequence, second.Epoch));
        Assert.Equal(TimeSpan.FromSeconds(2), _clock.GetElapsedTime(first.Arrival, second.Arrival));
        Assert.Equal(TimeSpan.FromSeconds(2), second.At - first.At);
    }

    [Fact]
    public void The_same_pixels_for_thirty_seconds_are_frozen_though_the_file_says_another_time_each()
    {
        var record = new CameraRecord("door", Live, _clock);
        var picture = CameraPictures.Jpeg(1);
        for (var second = 0; second <= 31; second++)
        {
            record.Take(new SourcePicture(CameraPictures.WithComment(picture, $"10:00:{second}"), FrameIntegrity.Intact));
            if (second == 30) Assert.Equal(CameraCondition.Online, record.Now.State.Condition);
            if (second < 31) _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(new CameraState(CameraCondition.Frozen, CameraReason.Frozen), record.Now.State);
        record.Take(Intact(2));
        Assert.Equal(CameraCondition.Online, record.Now.State.Condition);
    }

    [Theory]
    [InlineData(1, 11)]
    [InlineData(8, 25)]
    [InlineData(60, 181)]
    [InlineData(null, 31)]
    public void A_stream_whose_key_frames_are_known_is_frozen_after_three_of_them_and_ten_seconds_at_least(int? between, int seconds)
    {
        var record = new CameraRecord("door", Live with { FollowsKeyFrames = true }, _clock);
        var picture = new SourcePicture(CameraPictures.Jpeg(1), FrameIntegrity.Intact)
        {
            BetweenKeyFrames = between is { } known ? TimeSpan.FromSeconds(known) : null,
        };
        for (var second = 0; second < seconds; second++)
        {
            record.Take(picture);
            Assert.Equal(CameraCondition.Online, record.Now.State.Condition);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
        record.Take(picture);

        Assert.Equal(CameraCondition.Frozen, record.Now.State.Condition);
    }

    [Fact]
    public void Nobody_saw_a_picture_freeze_while_none_came()
    {
        var record = new CameraRecord("door", Live, _clock);
        record.Take(Intact(1));
        _clock.Advance(TimeSpan.FromMinutes(10));
        record.Take(Intact(1));

        Assert.Equal(CameraCondition.Online, record.Now.State.Condition);
    }

    [Theory]
    [InlineData(-365)]
    [InlineData(365)]
    public void A_jump_of_the_wall_clock_changes_no_state_and_no_age(int days)
    {
        var record = new CameraRecord("door", Live, _clock);
        record.Take(Intact(1));
        _clock.Advance(TimeSpan.FromSeconds(3));
        _clock.Wall += TimeSpan.FromDays(days);

        Assert.Equal((CameraCondition.Online, TimeSpan.FromSeconds(3)), (record.Now.State.Condition, record.Now.Age));
        _clock.Advance(TimeSpan.FromSeconds(8));
        Assert.Equal(CameraCondition.Offline, record.Now.State.Condition);
    }

    [Fact]
    public void A_damaged_picture_is_counted_and_makes_no_camera_online()
    {
        var record = new CameraRecord("door", Live, _clock);
        var frame = record.Take(new SourcePicture(CameraPictures.Jpeg(1), FrameIntegrity.Damaged));

        Assert.Equal(FrameIntegrity.Damaged, frame.Integrity);
        Assert.Equal((CameraCondition.Degraded, CameraReason.Damaged), (record.Now.State.Condition, record.Now.State.Reason));
        Assert.Equal((1, 1), (record.Now.Counts.Frames, record.Now.Counts.Damaged));
        Assert.Null(record.Now.Newest);
    }

    [Fact]
    public void The_reason_of_an_end_stands_until_a_picture_comes()
    {
        var record = new CameraRecord("door", Live, _clock);
        record.Failed(CameraReason.Unauthorized, "Check user and password.");
        Assert.Equal((CameraReason.Unauthorized, "Check user and password."), (record.Now.State.Reason, record.Now.Detail));
        record.Take(Intact(1));

        Assert.Equal((CameraReason.None, ""), (record.Now.State.Reason, record.Now.Detail));
    }

    [Fact]
    public void A_folder_without_pictures_that_can_be_looked_at_is_well()
    {
        var record = new CameraRecord("shelf", Live with { Liveness = Liveness.Still }, _clock);
        for (var look = 0; look < 100; look++)
        {
            record.Looked();
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal((CameraCondition.Online, 0), (record.Now.State.Condition, record.Now.Counts.Frames));
    }

    private static SourcePicture Intact(int number) => new(CameraPictures.Jpeg(number), FrameIntegrity.Intact);

    /// <summary>A clock whose wall can be set wrong; what measures time does not follow.</summary>
    private sealed class JumpingClock : FakeTimeProvider
    {
        public TimeSpan Wall { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Wall;

        public override long GetTimestamp() => base.GetUtcNow().Ticks;
    }
}

using Vlm.Edge.Cameras;
using Vlm.Edge.Watching;

namespace Vlm.Edge.Tests.Watching;

/// <summary>Frames that are refused before a pixel is decoded.</summary>
public sealed class FrameRulesTests
{
    [Theory]
    [InlineData("Damaged", 2, 8, 0.1, false, true, "Damaged")]
    [InlineData("Intact", 2, 8, 0.1, false, true, null)]
    [InlineData("Intact", 2, 8, 10.1, false, true, "Old")]
    [InlineData("Intact", 1, 99, 0.1, false, true, "EarlierEpoch")]
    [InlineData("Intact", 2, 7, 0.1, false, true, "Repeated")]
    [InlineData("Intact", 3, 1, 0.1, false, true, null)]
    [InlineData("Intact", 2, 8, 0.1, true, true, "Paused")]
    [InlineData("Intact", 2, 8, 0.1, false, false, "NoMessage")]
    public void Old_damaged_and_earlier_frames_are_refused_with_their_reason(
        string integrity, long epoch, long sequence, double age, bool isPaused, bool hasMessage, string? expected)
    {
        var frame = new Frame("door", new byte[1], 0, default, sequence, epoch, Enum.Parse<FrameIntegrity>(integrity));
        var situation = new FrameSituation(new FrameNumber(2, 7), TimeSpan.FromSeconds(age), TimeSpan.FromSeconds(10), isPaused, hasMessage);

        Assert.Equal(expected, FrameRules.Refuse(frame, situation)?.ToString());
    }

    [Fact]
    public void The_first_frame_of_a_camera_is_taken() =>
        Assert.Null(FrameRules.Refuse(
            new Frame("door", new byte[1], 0, default, 1, 1, FrameIntegrity.Intact),
            new FrameSituation(FrameNumber.None, TimeSpan.Zero, TimeSpan.FromSeconds(1), false, true)));
}

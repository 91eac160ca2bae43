using System.Text;
using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;

namespace Vlm.Edge.Tests.Cameras.Sources;

/// <summary>What ffmpeg says and what is made of it. Lines as ffmpeg 5.1 wrote them.</summary>
public sealed class FfmpegWordsTests
{
    private const string Key = "iskey:1 type:I", Other = "iskey:0 type:P";
    private readonly FfmpegComplaints _complaints = new();

    [Fact]
    public void Pictures_are_intact_from_the_first_key_frame_on()
    {
        Says("[swscaler @ 0x1] [swscaler @ 0x2] [warning] deprecated pixel format used, make sure you did set range correctly");
        Says("[h264 @ 0x1] [error] non-existing PPS 0 referenced");
        Assert.Equal([FrameIntegrity.Damaged, FrameIntegrity.Intact, FrameIntegrity.Intact], [Comes(Other), Comes(Key), Comes(Other)]);
    }

    [Fact]
    public void After_a_complaint_pictures_are_damaged_until_a_clean_key_frame()
    {
        Comes(Key);
        Comes(Other);
        Says("[h264 @ 0x5] [error] error while decoding MB 32 26");
        Says("[h264 @ 0x5] [info] concealing 177 DC, 177 AC, 177 MV errors in P frame");
        for (var i = 0; i < 9; i++) Assert.Equal(FrameIntegrity.Damaged, Comes(Other));
        Assert.Equal(FrameIntegrity.Intact, Comes(Key));
        Assert.Equal(2, _complaints.Complaints);
    }

    [Fact]
    public void A_key_frame_that_is_complained_about_is_not_clean()
    {
        Comes(Key);
        for (var i = 0; i < 9; i++) Comes(Other);
        Says("[warning] pipe:0: corrupt decoded frame in stream 0");
        Assert.Equal(FrameIntegrity.Damaged, Comes(Key));
        for (var i = 0; i < 9; i++) Assert.Equal(FrameIntegrity.Damaged, Comes(Other));
        Assert.Equal(FrameIntegrity.Intact, Comes(Key));
    }

    [Fact]
    public void A_complaint_about_a_key_frame_may_come_some_pictures_before_it()
    {
        Comes(Key);
        Says("[h264 @ 0x5] [error] error while decoding MB 32 26");
        Comes(Other);
        Comes(Other);

        Assert.Equal(FrameIntegrity.Damaged, Comes(Key));
    }

    [Fact]
    public void Pictures_that_are_left_out_count_and_have_no_verdict()
    {
        Comes(Key);
        Assert.Null(Says("[showinfo@decoded @ 0x1] [info] n:   7 pts: 126000 pts_time:1.4     pos:    32336 fmt:yuv420p iskey:0 type:P "));
        Assert.Null(Says("[showinfo@given @ 0x1] [info] config in time_base: 1/90000, frame_rate: 5/1"));
        Assert.Null(Says("[showinfo@given @ 0x1] [info] color_range:unknown color_space:unknown color_primaries:unknown color_trc:unknown"));
        Assert.Equal(FrameIntegrity.Intact, Comes(Other));
    }

    [Theory]
    [InlineData("[rtsp @ 0x1] [error] method DESCRIBE failed: 401 Unauthorized", 0, "Unauthorized")]
    [InlineData("[error] pipe:0: Server returned 404 Not Found", 0, "NotFound")]
    [InlineData("[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:1 failed: Connection refused", 0, "Unreachable")]
    [InlineData("[tcp @ 0x1] [error] Failed to resolve hostname camera: Name or service not known", 0, "Unreachable")]
    [InlineData("[error] pipe:0: Invalid data found when processing input", 0, "FfmpegFailed")]
    [InlineData("", 0, "FfmpegFailed")]
    [InlineData("", 7, "Ended")]
    [InlineData("[h264 @ 0x1] [error] error while decoding MB 1 1", 7, "Ended")]
    public void The_last_error_tells_why_it_ended(string said, int pictures, string reason) =>
        Assert.Equal(reason, FfmpegEnd.Of(said, pictures).Reason.ToString());

    [Theory]
    [InlineData("Impossible to open 'rtsp://box:it%27s%2Fa@camera/x'", "Impossible to open 'rtsp://***@camera/x'")]
    [InlineData("it's/a, it%27s%2Fa", "***, ***")]
    [InlineData("rtsp://camera/x?token=77", "rtsp://camera/x***")]
    [InlineData("rtsp://a@b:c@camera/x", "rtsp://***@camera/x")]
    [InlineData("mail me@example.org", "mail me@example.org")]
    public void Passwords_are_taken_out_of_what_it_says(string said, string shown) =>
        Assert.Equal(shown, new Redaction("it's/a", null, "", "?token=77").Of(said));

    [Fact]
    public void The_longest_time_between_key_frames_counts_and_what_has_passed_since_the_last_one()
    {
        Assert.Null(_complaints.BetweenKeyFrames);
        foreach (var (second, kind) in new[] { (10.0, Key), (12, Other), (14, Key), (15, Other) }) Decodes(second, "640x480", kind);
        Assert.Equal(TimeSpan.FromSeconds(4), _complaints.BetweenKeyFrames);
        Decodes(24, "640x480", Other);
        Assert.Equal(TimeSpan.FromSeconds(10), _complaints.BetweenKeyFrames);
        // The stream's clock begins anew.
        Decodes(1, "640x480", Key);
        Assert.Equal(TimeSpan.FromSeconds(4), _complaints.BetweenKeyFrames);
        Assert.Null(_complaints.SizeChange);
        Decodes(2, "320x240", Key);
        Assert.Equal(("640x480", "320x240"), _complaints.SizeChange);
    }

    [Fact]
    public void Whatever_it_says_there_is_a_verdict_or_none_a_reason_and_no_password()
    {
        string[] lines =
        [
            "[showinfo@given @ 0x2] [info] n:   1 pts:  18000 pts_time:0.2     pos:    12408 fmt:yuv420p sar:1/1 s:640x480 i:P iskey:1 type:I ",
            "[showinfo@decoded @ 0x1] [info] n:   1 pts:  18000 pts_time:0.2     pos:    12408 fmt:yuv420p sar:1/1 s:640x480 i:P iskey:1 type:I ",
            "[h264 @ 0x5] [error] error while decoding MB 32 26, rtsp://box:it%27s%2Fa@camera/x?token=77",
        ];
        var redaction = new Redaction("it's/a", null, "", "?token=77");
        foreach (var line in lines)
        {
            foreach (var bytes in Mutations.Of(Encoding.UTF8.GetBytes(line), 1000, seed: 23))
            {
                var said = Encoding.UTF8.GetString(bytes);
                Says(said);
                Assert.InRange(FfmpegEnd.Of(redaction.Of(_complaints.LastError), 0).Message.Length, 1, 700);
                Assert.DoesNotContain("it%27s%2Fa", redaction.Of(said), StringComparison.Ordinal);
            }
        }
    }

    private void Decodes(double second, string size, string kind) => Says(FormattableString.Invariant(
        $"[showinfo@decoded @ 0x1] [info] n:   1 pts:  18000 pts_time:{second:0.######}     pos:    12408 fmt:yuv420p sar:1/1 s:{size} i:P {kind} "));

    private FrameIntegrity? Says(string line) => _complaints.Take(line);

    /// <summary>A picture is decoded and handed out.</summary>
    private FrameIntegrity? Comes(string kind)
    {
        Assert.Null(Says($"[showinfo@decoded @ 0x1] [info] n:   1 pts:  18000 pts_time:0.2     pos:    12408 fmt:yuv420p sar:1/1 s:640x480 i:P {kind} "));
        return Says($"[showinfo@given @ 0x2] [info] n:   1 pts:  18000 pts_time:0.2     pos:    12408 fmt:yuv420p sar:1/1 s:640x480 i:P {kind} ");
    }
}

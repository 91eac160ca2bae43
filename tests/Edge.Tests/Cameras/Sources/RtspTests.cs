using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;

namespace Vlm.Edge.Tests.Cameras.Sources;

/// <summary>A camera that speaks RTSP, through the real ffmpeg.</summary>
[Collection(Children.Counted)]
public sealed class RtspTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pictures_of_a_stream_are_whole_and_its_end_leaves_no_process()
    {
        await using var camera = await TestCamera.Start(TestCameraMode.Play);
        var before = Children.OfThis();
        var pictures = new List<SourcePicture>();
        await foreach (var picture in Source(camera).Pictures(Stop))
        {
            Assert.Single(Children.OfThis().Except(before));
            pictures.Add(picture!);
            if (pictures.Count == 6) break;
        }

        Assert.All(pictures, picture => Assert.Equal(FrameIntegrity.Intact, picture.Integrity));
        Assert.All(pictures, picture => Assert.Equal((320, 240), Size(picture)));
        Assert.Equal(6, pictures.Select(picture => JpegShape.Fingerprint(picture.Encoded.Span)).Distinct().Count());
        Assert.Empty(Children.OfThis().Except(before));
    }

    [Fact]
    public async Task A_password_goes_in_by_digest_and_stands_on_no_command_line()
    {
        await using var camera = await TestCamera.Start(TestCameraMode.Digest);
        var before = Children.OfThis();
        await foreach (var picture in Source(camera).Pictures(Stop))
        {
            var child = Assert.Single(Children.OfThis().Except(before));
            foreach (var file in (string[])["cmdline", "environ"])
            {
                var said = File.ReadAllText($"/proc/{child}/{file}");
                Assert.DoesNotContain("secret", said, StringComparison.Ordinal);
                Assert.DoesNotContain("VLM_", said, StringComparison.Ordinal);
            }
            Assert.NotNull(picture);
            return;
        }
        Assert.Fail("No picture came");
    }

    [Fact]
    public async Task A_wrong_password_is_told_and_not_repeated()
    {
        await using var camera = await TestCamera.Start(TestCameraMode.Digest);

        var error = await Fails(Source(camera, password: "wrong-one"));

        Assert.Equal(CameraReason.Unauthorized, error.Reason);
        Assert.DoesNotContain("wrong-one", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_whose_key_frames_lack_a_part_is_damaged_until_a_clean_one_comes()
    {
        await using var camera = await TestCamera.Start(TestCameraMode.Smear);
        var (damaged, count) = (0, 0);
        await foreach (var picture in Source(camera).Pictures(Stop))
        {
            count++;
            if (picture!.Integrity == FrameIntegrity.Damaged) damaged++;
            // Whatever came before the first complaint is past.
            if (count == 8)
            {
                Assert.InRange(damaged, 6, 8);
                camera.IsMended = true;
            }
            if (camera.IsMended && picture.Integrity == FrameIntegrity.Intact) return;
            Assert.True(count < 60, "No intact picture came after the camera was mended");
        }
    }

    [Fact]
    public async Task Lost_packets_make_damaged_pictures()
    {
        await using var camera = await TestCamera.Start(TestCameraMode.Loss);
        await foreach (var picture in Source(camera).Pictures(Stop))
        {
            if (picture!.Integrity == FrameIntegrity.Damaged) return;
        }
        Assert.Fail("Packets were lost, and no picture was damaged");
    }

    [Fact]
    public async Task A_stream_whose_pictures_change_their_size_is_opened_anew_and_none_is_squeezed()
    {
        await using var camera = await TestCamera.Start(TestCameraMode.Grow);
        var source = Source(camera);
        var before = new List<(int, int)>();

        var error = await Assert.ThrowsAsync<SourceException>(async () =>
        {
            await foreach (var picture in source.Pictures(Stop)) before.Add(Size(picture!));
        });

        Assert.Equal(CameraReason.SizeChanged, error.Reason);
        Assert.Contains("from 320x240 to 640x480", error.Message, StringComparison.Ordinal);
        Assert.Equal((320, 240), Assert.Single(before.Distinct()));
        await foreach (var picture in source.Pictures(Stop))
        {
            Assert.Equal((640, 480), Size(picture!));
            return;
        }
    }

    [Fact]
    public async Task What_lies_between_two_key_frames_is_known()
    {
        await using var camera = await TestCamera.Start(TestCameraMode.Play);
        await foreach (var picture in Source(camera).Pictures(Stop))
        {
            // One a second, and what has passed since the last one.
            if (picture!.BetweenKeyFrames is not { TotalSeconds: > 0.95 } between) continue;
            Assert.InRange(between.TotalSeconds, 0.95, 2.1);
            return;
        }
    }

    [Theory]
    [InlineData("Stall", "Stalled")]
    [InlineData("Hang", "Timeout")]
    [InlineData("Drop", "Ended")]
    public async Task A_stream_that_fails_ends_in_time_with_its_reason_and_without_its_process(string mode, string reason)
    {
        await using var camera = await TestCamera.Start(Enum.Parse<TestCameraMode>(mode));
        var before = Children.OfThis();

        var error = await Fails(Source(camera, patience: mode == "Drop" ? 20 : 2));

        Assert.Equal(reason, error.Reason.ToString());
        Assert.Empty(Children.OfThis().Except(before));
    }

    [Fact]
    public async Task Whatever_a_camera_answers_there_are_pictures_or_a_reason_and_no_process_is_left()
    {
        await using var camera = await TestCamera.Start(TestCameraMode.Lie);
        var before = Children.OfThis();
        var seen = 0;
        // On a busy machine two seconds are too few even for a camera that tells the truth: some more connections, with patience, if none got through.
        for (var i = 0; i < 6 || (seen == 0 && i < 12); i++)
        {
            try
            {
                var ofThis = 0;
                await foreach (var picture in Source(camera, patience: i < 6 ? 2 : 10).Pictures(Stop))
                {
                    Assert.True(JpegShape.Measure(picture!.Encoded.Span) > 0);
                    seen++;
                    if (++ofThis == 5) break;
                }
            }
            catch (SourceException e)
            {
                Assert.NotEqual(CameraReason.Internal, e.Reason);
                Assert.DoesNotContain(TestCamera.Password, e.Message, StringComparison.Ordinal);
            }
        }

        Assert.True(seen > 0, "Not one connection got through");
        Assert.Empty(Children.OfThis().Except(before));
    }

    [Fact]
    public async Task A_camera_that_is_off_is_unreachable()
    {
        Assert.SkipUnless(TestCamera.HasFfmpeg, "ffmpeg is not installed");
        using var nobody = Escalations.ScriptedEndpoint.SilentPort(out var port);

        var error = await Fails(Source($"rtsp://127.0.0.1:{port}/stream?token=hidden", "x", 20));

        Assert.Equal(CameraReason.Unreachable, error.Reason);
        Assert.DoesNotContain("hidden", error.Message, StringComparison.Ordinal);
    }

    private static FfmpegSource Source(TestCamera camera, double patience = 20, string password = TestCamera.Password) =>
        Source(camera.Address, password, patience);

    private static FfmpegSource Source(string address, string password, double patience)
    {
        var pace = new SourcePace(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(patience), 1 << 20);
        var redaction = new Redaction(password, new Uri(address).Query);
        return new FfmpegSource(
            new FfmpegRun("ffmpeg", Liveness.Live, () => FfmpegCommand.Rtsp(new Uri(address), TestCamera.User, password, pace), redaction.Of), pace,
            TimeProvider.System);
    }

    private static (int, int) Size(SourcePicture picture)
    {
        var header = Vision.ImageCodec.Peek(picture.Encoded.Span)!;
        return (header.Width, header.Height);
    }

    private static Task<SourceException> Fails(FfmpegSource source) => Assert.ThrowsAsync<SourceException>(async () =>
    {
        await foreach (var _ in source.Pictures(Stop)) { }
    });
}

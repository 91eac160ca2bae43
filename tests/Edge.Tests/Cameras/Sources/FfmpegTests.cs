using System.Diagnostics;
using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;

namespace Vlm.Edge.Tests.Cameras.Sources;

/// <summary>What ffmpeg may do, with scripts in its place.</summary>
[Collection(Children.Counted)]
public sealed class FfmpegTests : IDisposable
{
    private static readonly SourcePace Pace = new(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(1), 100_000);
    private readonly TestFiles _files = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_machine_without_ffmpeg_is_told_what_to_install()
    {
        var error = await Fails("no-such-ffmpeg");

        Assert.Equal(CameraReason.FfmpegMissing, error.Reason);
        Assert.Contains("apt-get install ffmpeg", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("head -c 100000 /dev/urandom", "FfmpegFailed")]
    [InlineData("exit 0", "FfmpegFailed")]
    [InlineData("echo '[error] /dev/video0: Device or resource busy' >&2; exit 1", "Unreadable")]
    [InlineData("echo '[error] Unrecognized option fps_mode' >&2; exit 1", "FfmpegFailed")]
    [InlineData("cat PICTURE; exit 0", "Ended")]
    [InlineData("cat PICTURE; kill -9 $$", "Ended")]
    [InlineData("trap '' TERM INT HUP; cat PICTURE; exec sleep 600", "Stalled")]
    [InlineData("trap '' TERM INT HUP; exec sleep 600", "Timeout")]
    [InlineData("printf '\\377\\330\\377\\332\\0\\3x'; exec yes", "TooLarge")]
    public async Task Whatever_it_does_ends_with_a_reason_and_leaves_no_process(string script, string reason)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "It is a script of a Unix shell");
        var before = Children.OfThis();

        var error = await Fails(Script(script));

        Assert.Equal(reason, error.Reason.ToString());
        Assert.Empty(Children.OfThis().Except(before));
    }

    [Fact]
    public async Task It_is_told_the_address_on_its_input_and_sees_little_of_the_environment()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "It is a script of a Unix shell");
        Environment.SetEnvironmentVariable("VLM_TEST_SECRET", "hidden");
        var program = Script($"cat >{_files.File("input")}; env >{_files.File("environment")}");

        await Fails(program);

        Assert.Contains("file 'rtsp://me:it%27s%2Fa%40secret@camera:8554/a?b=1'", File.ReadAllText(_files.File("input")), StringComparison.Ordinal);
        Assert.Contains("option timeout 4000000\n", File.ReadAllText(_files.File("input")), StringComparison.Ordinal);
        Assert.DoesNotContain("VLM_TEST_SECRET", File.ReadAllText(_files.File("environment")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_quote_in_an_address_stays_in_its_word()
    {
        var command = FfmpegCommand.Rtsp(new Uri("rtsp://camera/a'b\\c"), null, null, Pace);

        Assert.Contains("file 'rtsp://camera/", command.Input!, StringComparison.Ordinal);
        Assert.Single(command.Input!.Split('\n'), line => line.StartsWith("file ", StringComparison.Ordinal));
        Assert.DoesNotContain(command.Arguments, argument => argument.Contains("camera", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_video_is_played_in_pictures()
    {
        Assert.SkipUnless(TestCamera.HasFfmpeg, "ffmpeg is not installed");
        var file = _files.File("it's a video.mp4");
        var start = new ProcessStartInfo("ffmpeg",
            ["-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=1", "-pix_fmt", "yuv420p", file]);
        using (var process = Process.Start(start)!) await process.WaitForExitAsync(Stop);
        var source = new SourceFactory(TimeProvider.System).Make(new CameraOptions { Name = "demo", File = file, FramesPerSecond = 5 });
        var pictures = new List<SourcePicture?>();

        var error = await Assert.ThrowsAsync<SourceException>(async () =>
        {
            await foreach (var picture in source.Pictures(Stop)) pictures.Add(picture);
        });

        Assert.Equal(CameraReason.Ended, error.Reason);
        Assert.InRange(pictures.Count, 4, 6);
        Assert.All(pictures, picture => Assert.Equal(FrameIntegrity.Intact, picture!.Integrity));
    }

    public void Dispose() => _files.Dispose();

    private static Task<SourceException> Fails(string program)
    {
        var command = FfmpegCommand.Rtsp(new Uri("rtsp://camera:8554/a?b=1"), "me", "it's/a@secret", Pace);
        var source = new FfmpegSource(new FfmpegRun(program, Liveness.Live, () => command, text => text), Pace, TimeProvider.System);
        return Assert.ThrowsAsync<SourceException>(async () =>
        {
            await foreach (var _ in source.Pictures(Stop)) { }
        });
    }

    /// <summary>A program that does what a script says.</summary>
    private string Script(string script)
    {
        var picture = _files.File("picture.jpg");
        File.WriteAllBytes(picture, CameraPictures.Jpeg(1));
        var program = _files.File("ffmpeg");
        File.WriteAllText(program, $"#!/bin/sh\n{script.Replace("PICTURE", picture, StringComparison.Ordinal)}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return program;
    }
}

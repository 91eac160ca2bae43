using System.Diagnostics;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>Makes the source that a camera's settings name.</summary>
/// <param name="clock">The clock of everything.</param>
/// <param name="ffmpeg">Name or path of ffmpeg.</param>
internal sealed class SourceFactory(TimeProvider clock, string ffmpeg = "ffmpeg")
{
    // A camera needs seconds to find a key frame.
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(10);
    private static readonly string[] Videos = [".mp4", ".mkv", ".avi", ".mov", ".webm", ".ts", ".m4v", ".mjpg", ".mjpeg", ".h264", ".mpg"];

    /// <summary>The source, not opened.</summary>
    public IFrameSource Make(CameraOptions camera)
    {
        var pace = new SourcePace(camera.Interval, camera.Interval * 3 > LeastPatience ? camera.Interval * 3 : LeastPatience, camera.MaxBytes);
        return camera.Kind switch
        {
            SourceKind.Folder => new FolderSource(camera.Folder!, pace, clock),
            SourceKind.File when IsVideo(camera.File!) =>
                Run(pace, Liveness.Still, () => FfmpegCommand.Video(Path.GetFullPath(camera.File!), pace), text => text),
            SourceKind.File => new FolderSource(camera.File!, pace, clock),
            SourceKind.Snapshot => new SnapshotSource(Address(camera, camera.Snapshot!), pace, clock),
            SourceKind.Mjpeg => new MjpegSource(Address(camera, camera.Mjpeg!), pace, clock),
            SourceKind.Push => new PushSource(),
            SourceKind.Rtsp => Rtsp(camera, pace),
            SourceKind.Usb => Run(pace, Liveness.Live, () => FfmpegCommand.Usb(new UsbCameras().Find(camera.Usb!), pace), text => text),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>Whether a file is played instead of being looked at, by its name.</summary>
    public static bool IsVideo(string file) => Videos.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    private FfmpegSource Rtsp(CameraOptions camera, SourcePace pace)
    {
        var redaction = new Redaction();
        return Run(pace, Liveness.Live, () =>
        {
            var password = camera.ReadPassword();
            redaction = new Redaction(password, new Uri(camera.Rtsp!).Query);
            return FfmpegCommand.Rtsp(new Uri(camera.Rtsp!), camera.User, password, pace);
        }, text => redaction.Of(text));
    }

    private FfmpegSource Run(SourcePace pace, Liveness liveness, Func<FfmpegCommand> command, Func<string, string> redact) =>
        new(new FfmpegRun(ffmpeg, liveness, command, redact), pace, clock);

    private static CameraAddress Address(CameraOptions camera, string address) => new(new Uri(address), camera.User, camera.ReadPassword)
    {
        CaFile = camera.CaFile,
    };
}

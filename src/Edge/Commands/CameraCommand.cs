using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;
using Vlm.Solving;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Edge.Commands;

/// <summary><c>camera</c>: which cameras there are, and what comes from one.</summary>
internal static class CameraCommand
{
    private const int ThumbnailWidth = 320, ThumbnailQuality = 85;
    private static readonly TimeProvider Clock = TimeProvider.System;

    public static Command Create()
    {
        var config = new Option<string?>("--config") { Description = "The configuration, such as deploy/edge.yaml." };
        var to = new Option<string?>("--to") { Description = "Folder for a small picture of each camera; made when absent. None is written without it." };
        var seconds = new Option<double>("--seconds") { Description = "How long to look; 1 to 600.", DefaultValueFactory = _ => 10 };
        var finder = new Option<string?>("--finder") { Description = "Package of the sheet finder; by default the one that the configuration names." };
        var name = new Argument<string>("name") { Description = "Name of a camera in the configuration." };
        var list = new Command("list", "Shows the cameras at this machine under the names that stay the same, and those of the configuration.") { config, to };
        list.SetAction((result, stop) => ListAsync(result.GetValue(config), result.GetValue(to), stop));
        var test = new Command("test", "Opens one, and says what comes from it. Stop the daemon first if the camera serves one at a time.")
        {
            name, config, seconds, to, finder,
        };
        test.SetAction((result, stop) => TestAsync(result.GetRequiredValue(name), new TestOptions(
            result.GetValue(config), result.GetValue(seconds), result.GetValue(to), result.GetValue(finder)), stop));
        return new Command("camera", "Cameras: which there are, and what comes from one.") { list, test };
    }

    private static async Task<int> ListAsync(string? config, string? to, CancellationToken stop)
    {
        var found = new UsbCameras().All();
        Console.WriteLine(found.Count == 0 ? "No camera is at this machine." : "At this machine (usb: NAME):");
        foreach (var camera in found)
        {
            Console.WriteLine($"  {camera.Name}  now {camera.Device}");
            if (to is null) continue;
            var options = new CameraOptions { Name = camera.Name, Usb = camera.Path, FramesPerSecond = 1 };
            var trial = await CameraTrial.RunAsync(new SourceFactory(Clock).Make(options), TimeSpan.FromSeconds(5), Clock, stop);
            Console.WriteLine($"    {await SaveAsync(trial, options, to, stop) ?? trial.End?.Message ?? "No picture came in 5 s."}");
        }
        if (config is null) return ExitCode.Success;
        var cameras = EdgeConfig.Load(config).Cameras;
        Console.WriteLine(cameras.Count == 0 ? $"{config} has none." : $"In {config}:");
        foreach (var camera in cameras) Console.WriteLine($"  {camera.Name}  {camera.Kind.ToLabel()}  {camera.Place}");
        return ExitCode.Success;
    }

    private sealed record TestOptions(string? Config, double Seconds, string? To, string? Finder);

    private static async Task<int> TestAsync(string name, TestOptions how, CancellationToken stop)
    {
        if (!(how.Seconds is >= 1 and <= 600)) throw new UsageException($"--seconds is {how.Seconds}; expected 1 to 600.");
        if (how.Config is null) throw new UsageException("Say with --config which configuration the camera is in.");
        var read = EdgeConfig.Load(how.Config);
        var cameras = read.Cameras;
        var known = cameras.Count == 0 ? "is none" : $"are {string.Join(", ", cameras.Select(camera => camera.Name))}";
        var camera = cameras.FirstOrDefault(camera => camera.Name == name)
            ?? throw new UsageException($"There is no camera '{name}' in {how.Config}; there {known}.");
        if (camera.Kind == SourceKind.Push)
            throw new UsageException($"The camera '{name}' pushes its pictures to the daemon; nothing can be opened. The daemon's state shows what comes.");
        var trial = await CameraTrial.RunAsync(new SourceFactory(Clock).Make(camera), TimeSpan.FromSeconds(how.Seconds), Clock, stop);
        Console.Write(trial.Text(camera));
        var finder = how.Finder ?? (read.Model.Find == FindMode.Never ? null : read.Model.Finder);
        if (trial.Newest is { } newest)
            Console.WriteLine($"{"sheet",-15}{SheetSeen.Describe(finder is null ? null : ModelPlace.Locate(finder), newest.Span, camera.View)}");
        if (await SaveAsync(trial, camera, how.To, stop) is { } saved) Console.WriteLine($"{"picture",-15}{saved}");
        if (trial.Newest is not null) return ExitCode.Success;
        throw new UserException(trial.End is null ? $"No intact picture came in {how.Seconds} s." : $"No intact picture came ({trial.End.Reason.ToLabel()}).");
    }

    /// <summary>Writes a small picture of what the daemon would see.</summary>
    /// <returns>Its path; null when there is nothing to write, or nowhere.</returns>
    private static async Task<string?> SaveAsync(CameraTrial trial, CameraOptions camera, string? folder, CancellationToken stop)
    {
        if (folder is null || trial.Newest is not { } newest) return null;
        try
        {
            var image = camera.View.Apply(ImageCodec.Read(newest.Span).Image);
            var width = Math.Min(ThumbnailWidth, image.Width);
            var small = Resize.Bicubic(image, width, Math.Max(1, image.Height * width / image.Width));
            var path = Path.Combine(Directory.CreateDirectory(folder).FullName, $"{camera.Name}.jpg");
            await File.WriteAllBytesAsync(path, ImageCodec.EncodeJpeg(small, ThumbnailQuality), stop);
            return path;
        }
        catch (PictureException e)
        {
            return $"it cannot be decoded: {e.Message}";
        }
    }
}

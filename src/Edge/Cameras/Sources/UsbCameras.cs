using System.Text.RegularExpressions;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>A camera at this machine.</summary>
/// <param name="Name">The name to use: by its maker and serial number, or where there is none by the port that it is plugged into.</param>
/// <param name="Path">The same as a path.</param>
/// <param name="Device">The device that it is now, such as <c>/dev/video0</c>; another after the next start, perhaps.</param>
internal sealed record UsbCamera(string Name, string Path, string Device);

/// <summary>Cameras by names that stay the same: opening the wrong one succeeds, and nobody would notice.</summary>
/// <param name="root">Where the system keeps the names: <c>/dev/v4l</c>.</param>
internal sealed partial class UsbCameras(string root = "/dev/v4l")
{
    /// <summary>Cameras that are there, each once, by name.</summary>
    public IReadOnlyList<UsbCamera> All()
    {
        // A camera's further devices give data about its pictures.
        var named = Names("by-id").Concat(Names("by-path")).Where(name => FirstDevice().IsMatch(name.Name));
        return [.. named.GroupBy(name => name.Device).Select(same => same.First()).OrderBy(camera => camera.Name, StringComparer.Ordinal)];
    }

    /// <summary>The path to open for what the configuration says.</summary>
    /// <param name="wanted">A name of the list, a path, or a number.</param>
    /// <exception cref="SourceException">There is none such, or more than one could be meant.</exception>
    public string Find(string wanted)
    {
        var all = All();
        if (Number().Match(wanted) is { Success: true } number) return OfNumber($"/dev/video{number.Groups[1].Value}", all);
        var path = Path.IsPathRooted(wanted) ? wanted : Names("by-id").Concat(Names("by-path")).FirstOrDefault(name => name.Name == wanted)?.Path;
        return path is not null && File.Exists(path)
            ? path
            : throw new SourceException(CameraReason.DeviceMissing, $"There is no camera '{wanted}'. Is it plugged in? {Said(all)}");
    }

    private static string OfNumber(string device, IReadOnlyList<UsbCamera> all) => all.Count switch
    {
        0 => File.Exists(device) ? device : throw new SourceException(CameraReason.DeviceMissing, $"There is no camera {device}. Is it plugged in?"),
        1 when all[0].Device == device => all[0].Path,
        1 => throw new SourceException(CameraReason.DeviceMissing, $"There is no camera {device}. {Said(all)}"),
        _ => throw new SourceException(CameraReason.DeviceAmbiguous,
            $"Numbers of devices change at every start, and there are {all.Count} cameras: {device} may be any of them. {Said(all)}"),
    };

    private static string Said(IReadOnlyList<UsbCamera> all) =>
        all.Count == 0 ? "No camera is there." : $"Cameras that are there: {string.Join(", ", all.Select(camera => camera.Name))}.";

    private IEnumerable<UsbCamera> Names(string kind)
    {
        var folder = Path.Combine(root, kind);
        if (!Directory.Exists(folder)) return [];
        return Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal)
            .Select(path => new UsbCamera(Path.GetFileName(path), path, File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path));
    }

    [GeneratedRegex("-video-index0$")]
    private static partial Regex FirstDevice();

    [GeneratedRegex("^(?:/dev/video)?([0-9]+)$")]
    private static partial Regex Number();
}

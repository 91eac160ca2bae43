using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;

namespace Vlm.Edge.Tests.Cameras.Sources;

/// <summary>Names of cameras as the system links them; there is no camera where tests run.</summary>
public sealed class UsbCamerasTests : IDisposable
{
    private const string Logitech = "usb-046d_HD_Pro_Webcam_C920_5A1B-video-index0", Port = "pci-0000:00:14.0-usb-0:2:1.0-video-index0";
    private readonly TestFiles _files = new();

    public UsbCamerasTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "The system's names are links of Linux");

    [Fact]
    public void A_camera_is_listed_once_by_its_own_name_before_that_of_its_port()
    {
        Link("by-id", Logitech, "video0");
        Link("by-id", Logitech.Replace("index0", "index1", StringComparison.Ordinal), "video1");
        Link("by-path", Port, "video0");
        Link("by-path", Port.Replace("0:2", "0:3", StringComparison.Ordinal), "video2");

        Assert.Equal([(Port.Replace("0:2", "0:3", StringComparison.Ordinal), "video2"), (Logitech, "video0")],
            Cameras.All().Select(camera => (camera.Name, Path.GetFileName(camera.Device))));
    }

    [Fact]
    public void A_name_of_either_kind_and_a_path_are_found()
    {
        Link("by-id", Logitech, "video0");
        Link("by-path", Port, "video0");

        Assert.Equal(Place("by-id", Logitech), Cameras.Find(Logitech));
        Assert.Equal(Place("by-path", Port), Cameras.Find(Port));
        Assert.Equal(Place("by-id", Logitech), Cameras.Find(Place("by-id", Logitech)));
    }

    [Fact]
    public void A_number_is_refused_where_two_cameras_could_be_meant()
    {
        Link("by-id", Logitech, "video0");
        Link("by-path", Port, "video2");

        var error = Assert.Throws<SourceException>(() => Cameras.Find("0"));

        Assert.Equal(CameraReason.DeviceAmbiguous, error.Reason);
        Assert.Contains(Logitech, error.Message, StringComparison.Ordinal);
        Assert.Equal(CameraReason.DeviceAmbiguous, Assert.Throws<SourceException>(() => Cameras.Find("/dev/video2")).Reason);
    }

    [Fact]
    public void A_camera_that_is_not_plugged_in_is_told_with_those_that_are()
    {
        Link("by-id", Logitech, "video0");

        var error = Assert.Throws<SourceException>(() => Cameras.Find("usb-other-video-index0"));

        Assert.Equal(CameraReason.DeviceMissing, error.Reason);
        Assert.Contains($"Cameras that are there: {Logitech}.", error.Message, StringComparison.Ordinal);
        Assert.Equal(CameraReason.DeviceMissing, Assert.Throws<SourceException>(() => Cameras.Find("5")).Reason);
    }

    [Fact]
    public void A_machine_without_cameras_has_none() => Assert.Empty(Cameras.All());

    public void Dispose() => _files.Dispose();

    private UsbCameras Cameras => new(_files.Folder);

    private string Place(string kind, string name) => Path.Combine(_files.Folder, kind, name);

    private void Link(string kind, string name, string device)
    {
        File.WriteAllText(_files.File(device), "");
        Directory.CreateDirectory(_files.File(kind));
        File.CreateSymbolicLink(Place(kind, name), _files.File(device));
    }
}

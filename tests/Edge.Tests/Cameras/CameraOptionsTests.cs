using Vlm.Edge.Cameras;
using Vlm.Hosting;

namespace Vlm.Edge.Tests.Cameras;

public sealed class CameraOptionsTests : IDisposable
{
    private readonly TestFiles _files = new();

    [Theory]
    [InlineData("{ name: Door, folder: /x }", "name: expected small letters, digits and -, at most 40, found 'Door'")]
    [InlineData("{ name: door }", "expected one of folder, file, snapshot, mjpeg, push, rtsp, usb, found none")]
    [InlineData("{ name: door, folder: /x, push: true }", "found folder and push")]
    [InlineData("{ name: door, snapshot: 'ftp://x/y' }", "snapshot: expected an address such as http://camera.local/picture, found 'ftp://x/y'")]
    [InlineData("{ name: door, rtsp: 'http://x/y' }", "rtsp: expected an address such as rtsp://")]
    [InlineData("{ name: door, rtsp: 'rtsp://x/y', password_variable: A }", "user: a password is given, and nobody whose it is")]
    [InlineData("{ name: door, rtsp: 'rtsp://x/y', user: me, password_file: /nowhere/p }", "password_file: there is no file '/nowhere/p'")]
    [InlineData("{ name: door, rtsp: 'rtsp://x/y', frames_per_second: 0 }", "frames_per_second: expected 0.01 to 30, found 0")]
    [InlineData("{ name: door, rtsp: 'rtsps://x/y', ca_file: /nowhere/ca }", "ca_file: there is no file '/nowhere/ca'")]
    [InlineData("{ name: door, rtsp: 'rtsps://x/y', ca_file: /nowhere/ca }", "ffmpeg cannot check the certificates of rtsps")]
    [InlineData("{ name: door, push: true, max_bytes: 1 }", "max_bytes: expected 1024 to")]
    [InlineData("{ name: door, colour: red }", "there is no option 'colour' here")]
    public void A_mistake_is_told_with_the_name_of_its_camera(string camera, string said)
    {
        var error = Assert.Throws<ConfigException>(() => Load($"routing: {{ mode: local-only }}\ncameras:\n  - {camera}\n"));

        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_in_an_address_is_refused_and_not_repeated()
    {
        var error = Assert.Throws<ConfigException>(() => Load("routing: { mode: local-only }\ncameras:\n  - { name: door, rtsp: 'rtsp://me:hidden@x/y' }\n"));

        Assert.Contains("use user and password_file or password_variable", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_unique()
    {
        var error = Assert.Throws<ConfigException>(() =>
            Load("routing: { mode: local-only }\ncameras:\n  - { name: door, push: true }\n  - { name: door, folder: /x }\n"));

        Assert.Contains("door: expected a name that no other camera has, found it 2 times", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_follow_from_the_rate_and_the_kind()
    {
        static double Offline(CameraOptions camera) => camera.OfflineAfter.TotalSeconds;

        Assert.Equal(10, Offline(new CameraOptions { Name = "a", Rtsp = "rtsp://x/" }));
        Assert.Equal(60, Offline(new CameraOptions { Name = "a", Push = true }));
        Assert.Equal(300, Offline(new CameraOptions { Name = "a", Snapshot = "http://x/", FramesPerSecond = 0.01 }));
        Assert.Equal(5, Offline(new CameraOptions { Name = "a", Push = true, OfflineSeconds = 5 }));
        Assert.Null(new CameraOptions { Name = "a", Push = true, FrozenSeconds = 0 }.FrozenAfter);
    }

    [Fact]
    public void What_people_see_of_an_address_ends_with_its_path()
    {
        var camera = new CameraOptions { Name = "a", Snapshot = "http://x:81/picture.cgi?user=me&pwd=hidden" };

        Assert.Equal("http://x:81/picture.cgi", camera.Place);
    }

    [Fact]
    public void A_password_is_read_at_every_opening_and_its_absence_says_where_it_was_looked_for()
    {
        File.WriteAllText(_files.File("password"), "first\n");
        var camera = new CameraOptions { Name = "a", Rtsp = "rtsp://x/", User = "me", PasswordFile = _files.File("password") };
        Assert.Equal("first", camera.ReadPassword());
        File.WriteAllText(_files.File("password"), "second");
        Assert.Equal("second", camera.ReadPassword());
        File.Delete(_files.File("password"));
        var gone = Assert.Throws<SourceException>(camera.ReadPassword);
        var unset = Assert.Throws<SourceException>((camera with { PasswordFile = null, PasswordVariable = "VLM_NO_SUCH_VARIABLE" }).ReadPassword);

        Assert.Equal((CameraReason.NoPassword, CameraReason.NoPassword), (gone.Reason, unset.Reason));
        Assert.Contains("VLM_NO_SUCH_VARIABLE is not set", unset.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _files.Dispose();

    private EdgeConfig Load(string yaml)
    {
        File.WriteAllText(_files.File("edge.yaml"), yaml);
        return EdgeConfig.Load(_files.File("edge.yaml"));
    }
}

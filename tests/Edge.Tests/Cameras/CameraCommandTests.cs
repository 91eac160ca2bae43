using Vlm.Edge.Tests.Cameras.Sources;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Cameras;

/// <summary>The verb <c>camera</c>, as a program of its own.</summary>
public sealed class CameraCommandTests : IDisposable
{
    private readonly TestFiles _files = new();

    [Fact]
    public async Task A_test_of_a_camera_says_what_comes_from_it_and_writes_a_small_picture()
    {
        await using var camera = await ScriptedCamera.Start((context, number) =>
            ScriptedCamera.Picture(context, number == 1 ? CameraPictures.Jpeg(1)[..^50] : CameraPictures.Jpeg(number, 640, 480)));
        var config = Config($"{{ name: door, snapshot: '{camera.Address}?pwd=hidden', frames_per_second: 10 }}");

        var run = await EdgeProcess.Run("camera", "test", "door", "--config", config, "--seconds", "3", "--to", _files.File("pictures"));

        Assert.True(run.ExitCode == 0, run.Errors);
        foreach (var word in (string[])["first picture", "rate", "64x48, then 640x480", "damaged        1 of", "newest", "s old"])
            Assert.Contains(word, run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", run.Output + run.Errors, StringComparison.Ordinal);
        var small = ImageCodec.Decode(File.ReadAllBytes(Path.Combine(_files.File("pictures"), "door.jpg")));
        Assert.Equal((320, 240), (small.Width, small.Height));
    }

    [Fact]
    public async Task A_test_of_a_camera_says_whether_it_sees_a_sheet()
    {
        var shelf = Directory.CreateDirectory(_files.File("shelf")).FullName;
        File.WriteAllBytes(Path.Combine(shelf, "sheet.png"), ImageCodec.EncodePng(Solve.SmallSheetTests.Scene().Picture));
        var config = Config($"{{ name: shelf, folder: '{shelf}', frames_per_second: 10 }}");
        string[] test = ["camera", "test", "shelf", "--config", config, "--seconds", "1"];

        var without = await EdgeProcess.Run(test);
        var with = await EdgeProcess.Run([.. test, "--finder", Path.Combine(Repository.Root, "models", "sheet-finder")]);
        File.WriteAllBytes(Path.Combine(shelf, "sheet.png"), CameraPictures.Jpeg(1, 640, 480));
        var empty = await EdgeProcess.Run([.. test, "--finder", Path.Combine(Repository.Root, "models", "sheet-finder")]);
        var nowhere = await EdgeProcess.Run([.. test, "--finder", _files.File("nowhere")]);

        Assert.Contains("sheet          not looked for: the configuration names no sheet finder", without.Output, StringComparison.Ordinal);
        Assert.Matches(@"sheet          found: \d+x\d+ pixels, \d+ % of the picture", with.Output);
        Assert.Contains("sheet          none is found: ", empty.Output, StringComparison.Ordinal);
        Assert.Equal((0, 0, 0, 1), (without.ExitCode, with.ExitCode, empty.ExitCode, nowhere.ExitCode));
    }

    [Theory]
    [InlineData("camera", "test", "gate", "There is no camera 'gate'", 2)]
    [InlineData("camera", "test", "scanner", "pushes its pictures to the daemon", 2)]
    [InlineData("camera", "test", "shelf", "No intact picture came (unreadable)", 1)]
    public async Task What_cannot_be_tested_says_why(string verb, string what, string name, string said, int code)
    {
        var config = Config("{ name: scanner, push: true }", "{ name: shelf, folder: /nowhere/at/all }");

        var run = await EdgeProcess.Run(verb, what, name, "--config", config, "--seconds", "1");

        Assert.Equal(code, run.ExitCode);
        Assert.Contains(said, run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_list_has_the_cameras_of_the_configuration()
    {
        var config = Config("{ name: scanner, push: true }", "{ name: door, rtsp: 'rtsp://camera/a?pwd=hidden' }");

        var run = await EdgeProcess.Run("camera", "list", "--config", config);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("  door  rtsp  rtsp://camera/a", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", run.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _files.Dispose();

    private string Config(params string[] cameras)
    {
        File.WriteAllText(_files.File("edge.yaml"), "routing: { mode: local-only }\ncameras:\n" + string.Concat(cameras.Select(camera => $"  - {camera}\n")));
        return _files.File("edge.yaml");
    }
}

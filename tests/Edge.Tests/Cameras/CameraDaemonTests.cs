using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Vlm.Edge.Cameras;
using Vlm.Edge.Queries;
using Vlm.Edge.Tests.Api;
using Vlm.Edge.Tests.Cameras.Sources;
using Vlm.Edge.Tests.Queries;

namespace Vlm.Edge.Tests.Cameras;

/// <summary>Cameras in the running daemon.</summary>
public sealed class CameraDaemonTests : IDisposable
{
    private readonly TestFiles _files = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pushed_picture_is_the_camera_s_newest_and_shows_in_state_and_metrics()
    {
        await using var rig = await Start(new CameraOptions { Name = "scanner", Push = true });

        using var response = await Post(rig, "scanner", CameraPictures.Jpeg(1), "image/jpeg");
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var camera = Camera(await rig.Until("/api/v1/state", state => Camera(state).GetProperty("state").GetString() == "online"));
        var metrics = await rig.Client.GetStringAsync("/metrics", Stop);

        Assert.Equal(("scanner", "push", 1, 64), (Text(camera, "name"), Text(camera, "source"), camera.GetProperty("frames").GetInt32(),
            camera.GetProperty("width").GetInt32()));
        Assert.Contains("edge_camera_frames_total{camera=\"scanner\",integrity=\"intact\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("edge_camera_condition{camera=\"scanner\",condition=\"online\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("edge_camera_condition{camera=\"scanner\",condition=\"offline\"} 0", metrics, StringComparison.Ordinal);
        Assert.Equal(1, rig.Daemon.Cameras.Cameras[0].Now.Newest!.Sequence);
    }

    [Theory]
    [InlineData("nobody", "image/jpeg", "picture", HttpStatusCode.NotFound)]
    [InlineData("shelf", "image/jpeg", "picture", HttpStatusCode.BadRequest)]
    [InlineData("scanner", "text/plain", "picture", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("scanner", "image/jpeg", "<html>", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("scanner", "image/jpeg", "half", HttpStatusCode.UnprocessableEntity)]
    [InlineData("scanner", "image/jpeg", "large", HttpStatusCode.RequestEntityTooLarge)]
    public async Task What_cannot_be_taken_is_refused_with_its_reason(string camera, string type, string what, HttpStatusCode status)
    {
        await using var rig = await Start(new CameraOptions { Name = "scanner", Push = true, MaxBytes = 100_000 },
            new CameraOptions { Name = "shelf", Folder = _files.Folder });
        var body = what switch
        {
            "picture" => CameraPictures.Jpeg(1),
            "half" => CameraPictures.Jpeg(1)[..^50],
            "large" => new byte[100_001],
            _ => System.Text.Encoding.ASCII.GetBytes(what),
        };

        using var response = await Post(rig, camera, body, type);

        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task A_folder_is_looked_at_and_its_newest_picture_is_what_the_camera_sees()
    {
        File.Copy(TestFiles.Picture("a.png"), _files.File("a.png"));
        await using var rig = await Start(new CameraOptions { Name = "shelf", Folder = _files.Folder, FramesPerSecond = 20 });

        var camera = Camera(await rig.Until("/api/v1/state", state => Camera(state).GetProperty("frames").GetInt32() > 0));

        Assert.Equal("online", Text(camera, "state"));
        Assert.True(rig.Daemon.Cameras.Find("shelf")!.Now.Newest!.Encoded.Span.SequenceEqual(File.ReadAllBytes(_files.File("a.png"))));
    }

    [Fact]
    public async Task No_password_stands_in_the_state()
    {
        await using var wrong = await ScriptedCamera.Start((context, _) =>
        {
            ScriptedCamera.Digest(context);
            return Task.CompletedTask;
        });
        File.WriteAllText(_files.File("password"), "hidden-one");
        await using var rig = await Start(new CameraOptions
        {
            Name = "door",
            Snapshot = wrong.Address + "?pwd=hidden-two",
            User = ScriptedCamera.User,
            PasswordFile = _files.File("password"),
        });

        var state = await rig.Until("/api/v1/state", state => Text(Camera(state), "reason") == "unauthorized");

        Assert.DoesNotContain("hidden", state.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", await rig.Client.GetStringAsync("/metrics", Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_camera_that_goes_down_is_an_event_and_one_alarm_with_those_that_are_down_already()
    {
        await using var rig = new DaemonRig(null, null);
        using var events = rig.Daemon.Events.Listen(null)!;
        var (alarms, reports) = (rig.Daemon.Alarms, new CameraReports(rig.Daemon.Events, rig.Daemon.Alarms));
        string? Message() => alarms.Raised.SingleOrDefault(alarm => alarm.Kind == AlarmKind.CameraDown)?.Message;
        var down = new CameraState(CameraCondition.Offline, CameraReason.Unreachable);
        reports.Take(News("door", true, down));
        reports.Take(News("gate", true, new CameraState(CameraCondition.Frozen, CameraReason.Frozen)));

        Assert.Equal("No new pictures come: door is offline (unreachable), gate is frozen (frozen)", Message());
        reports.Take(News("door", false, new CameraState(CameraCondition.Online, CameraReason.None)));
        Assert.Equal("No new pictures come: gate is frozen (frozen)", Message());
        reports.Take(News("gate", false, new CameraState(CameraCondition.Online, CameraReason.None)));
        Assert.Null(Message());
        reports.Take(News("door", true, down));
        reports.Take(News("door", false, down) with { IsGone = true });
        Assert.Null(Message());
        var told = new List<EdgeEvent>();
        while (events.Events.TryRead(out var happened)) told.Add(happened.Event);
        Assert.Equal(["door", "gate", "door"], told.OfType<EdgeEvent.CameraDown>().Select(down => down.Camera));
        Assert.Equal(["door", "gate"], told.OfType<EdgeEvent.CameraUp>().Select(up => up.Camera));
    }

    [Fact]
    public async Task Other_cameras_are_looked_at_without_a_restart_and_nothing_is_said_of_those_that_are_gone()
    {
        File.Copy(TestFiles.Picture("a.png"), _files.File("a.png"));
        var shelf = new CameraOptions { Name = "shelf", Folder = _files.Folder, FramesPerSecond = 20 };
        await using var rig = await Start(shelf, new CameraOptions { Name = "leaving", Push = true });
        await rig.Until("/api/v1/state", state => Camera(state).GetProperty("frames").GetInt32() > 0);
        Assert.Contains("camera=\"leaving\",condition", await rig.Client.GetStringAsync("/metrics", Stop), StringComparison.Ordinal);

        var (changed, later) = rig.Daemon.Change(rig.Daemon.Config with { Cameras = [shelf, new CameraOptions { Name = "press", Push = true }] });

        Assert.Empty(later);
        Assert.Equal(["cameras[1].name"], changed);
        var state = await rig.Get("/api/v1/state");
        Assert.Equal(["shelf", "press"], state.GetProperty("cameras").EnumerateArray().Select(camera => Text(camera, "name")));
        Assert.Equal(["press", "shelf"], state.GetProperty("watching").EnumerateArray().Select(camera => Text(camera, "camera")).Order());
        Assert.Equal(1, Camera(state).GetProperty("openings").GetInt32());
        Assert.Equal(HttpStatusCode.NotFound, (await Post(rig, "leaving", CameraPictures.Jpeg(1), "image/jpeg")).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await Post(rig, "press", CameraPictures.Jpeg(1), "image/jpeg")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await rig.Client.PostAsync("/api/v1/cameras/leaving/pause", null, Stop)).StatusCode);
        Assert.True((await rig.Client.PostAsync("/api/v1/cameras/press/pause", null, Stop)).IsSuccessStatusCode);
        // Also while a gauge of another daemon of this process, which is ending, cannot be read.
        var metrics = await rig.Client.GetStringAsync("/metrics", Stop);
        Assert.DoesNotContain("camera=\"leaving\",condition", metrics, StringComparison.Ordinal);
        Assert.Contains("camera=\"press\",condition", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_daemon_on_the_same_state_does_not_start_and_the_first_one_goes_on()
    {
        File.Copy(TestFiles.Picture("a.png"), _files.File("a.png"));
        var shelf = new CameraOptions { Name = "shelf", Folder = _files.Folder, FramesPerSecond = 20 };
        await using var rig = await ServeRig.Start(null, null, config => config with { Cameras = [shelf], State = _files.File("state") });
        var package = ServeRig.Package(_files, null);
        File.WriteAllText(_files.File("edge.yaml"), $$"""
            server: { listen: "http://127.0.0.1:0" }
            model: { folder: {{package}} }
            routing: { mode: local-only }
            state: {{_files.File("state")}}
            cameras: [ { name: shelf, folder: {{_files.Folder}} } ]
            """);

        var second = await EdgeProcess.Run("serve", "--config", _files.File("edge.yaml"));

        Assert.Equal(1, second.ExitCode);
        Assert.Contains("open in another process", second.Errors, StringComparison.Ordinal);
        await rig.Until("/api/v1/state", state => Camera(state).GetProperty("frames").GetInt32() > 2);
    }

    public void Dispose() => _files.Dispose();

    private static CameraNews News(string camera, bool isDown, CameraState state) =>
        new(camera, isDown, new CameraView(state, "", null, null, new CameraCounts(0, 0, 0, 1)), DateTimeOffset.UnixEpoch);

    private static Task<ServeRig> Start(params CameraOptions[] cameras) => ServeRig.Start(null, null, config => config with { Cameras = cameras });

    private static Task<HttpResponseMessage> Post(ServeRig rig, string camera, byte[] body, string type)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/cameras/{camera}/frames") { Content = content };
        // A body that is refused by its length is not sent, so the refusal always arrives.
        request.Headers.ExpectContinue = true;
        return rig.Client.SendAsync(request, Stop);
    }

    private static JsonElement Camera(JsonElement state) => state.GetProperty("cameras")[0];

    private static string Text(JsonElement camera, string name) => camera.GetProperty(name).GetString()!;
}

using System.Text.Json;
using System.Text.RegularExpressions;
using Vlm.Edge.Cameras;
using Vlm.Edge.Messages;
using Vlm.Edge.Queries;
using Vlm.Edge.Scenes;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Api;
using Vlm.Edge.Tests.Escalations;
using Vlm.Edge.Watching;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Watching;

/// <summary>A masked area is in no output. The camera sees a red square, which nothing else is; it is masked.</summary>
public sealed class MaskedOutputsTests : IDisposable
{
    private const int Width = 160, Height = 120;

    // Turned and cut, the square is in the lower right quarter of what is left.
    private static readonly ViewOptions View = new()
    {
        Rotate = 180,
        Crop = new Region { Left = 0.1, Width = 0.9 },
        Masks = [new Region { Left = 0.5, Top = 0.5, Width = 0.5, Height = 0.5 }],
    };

    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void It_is_there_without_the_mask()
    {
        Assert.True(IsRed(Scene()));
        Assert.True(IsRed(FrameReader.Show(Scene(), View with { Masks = [] })!));
    }

    [Fact]
    public void The_model_does_not_see_it() => Assert.False(IsRed(FrameReader.Show(Scene(), View)!));

    [Fact]
    public async Task The_larger_model_does_not_see_it_at_once()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await Watched(endpoint.Url);

        var seen = endpoint.Requests.Select(request => Convert.FromBase64String(Sent(request))).ToArray();

        Assert.NotEmpty(seen);
        Assert.DoesNotContain(seen, IsRed);
    }

    [Fact]
    public async Task The_larger_model_does_not_see_it_later()
    {
        await using var rig = await Watched("http://127.0.0.1:9/v1");

        // The worker may hold it, having failed: the file is there as long as the question waits.
        var waiting = Directory.GetFiles(_files.File("queue"), "*", SearchOption.AllDirectories).Select(Bytes)
            .Where(file => ImageCodec.Peek(file) is not null).ToArray();

        Assert.NotEmpty(waiting);
        Assert.DoesNotContain(waiting, IsRed);
    }

    [Fact]
    public async Task No_picture_that_people_see_or_review_shows_it()
    {
        await using var rig = await Watched(null);
        var id = (await rig.Get("/api/v1/state")).GetProperty("watching")[0].GetProperty("published").GetProperty("id").GetString();

        Assert.False(IsRed(await rig.Client.GetByteArrayAsync($"/api/v1/answers/{id}/picture", ServeRig.Stop)));
        Assert.False(IsRed(await rig.Client.GetByteArrayAsync("/api/v1/cameras/door/picture", ServeRig.Stop)));
    }

    [Fact]
    public async Task No_picture_on_the_page_of_the_box_shows_it()
    {
        await using var rig = await Watched(null);
        var page = await rig.Client.GetStringAsync("/", ServeRig.Stop);

        Assert.Contains("<strong>online</strong>", page, StringComparison.Ordinal);
        var pictures = Regex.Matches(page, "<img [^>]*src=\"([^\"]*)\"").Select(match => match.Groups[1].Value).ToArray();
        Assert.Contains("/api/v1/cameras/door/picture", pictures);
        foreach (var picture in pictures) Assert.False(IsRed(await rig.Client.GetByteArrayAsync(picture, ServeRig.Stop)), picture);
        Assert.DoesNotContain("data:", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_that_is_kept_shows_it_and_events_have_no_picture()
    {
        await using var rig = await Watched(null);

        var kept = Directory.GetFiles(_files.File("state"), "*", SearchOption.AllDirectories).Select(Bytes).ToArray();
        Assert.Contains(kept, file => ImageCodec.Peek(file) is not null);
        Assert.DoesNotContain(kept, file => ImageCodec.Peek(file) is not null && IsRed(file));
        // Nor does a file hold the camera's own among other things.
        Assert.DoesNotContain(kept, file => file.AsSpan().IndexOf(Scene().AsSpan(Scene().Length / 2, 200)) >= 0);
        using var events = rig.Daemon.Events.Listen(0)!;
        while (events.Events.TryRead(out var happened)) Assert.InRange(JsonSerializer.Serialize(happened.Event, EventJson.Default.EdgeEvent).Length, 1, 600);
    }

    [Fact]
    public async Task The_picture_of_a_trial_does_not_show_it()
    {
        Directory.CreateDirectory(_files.File("pictures"));
        await File.WriteAllBytesAsync(_files.File("pictures/scene.png"), Scene(), ServeRig.Stop);
        await File.WriteAllTextAsync(_files.File("edge.yaml"), $$"""
            routing: { mode: local-only }
            cameras:
              - name: door
                folder: "{{_files.File("pictures")}}"
                frames_per_second: 10
                view: { rotate: 180, crop: { left: 0.1, width: 0.9 }, masks: [ { left: 0.5, top: 0.5, width: 0.5, height: 0.5 } ] }
            """, ServeRig.Stop);

        var trial = await EdgeProcess.Run("camera", "test", "door", "--config", _files.File("edge.yaml"), "--seconds", "1", "--to", _files.File("trial"));

        Assert.True(trial.ExitCode == 0, trial.Errors);
        Assert.False(IsRed(await File.ReadAllBytesAsync(_files.File("trial/door.jpg"), ServeRig.Stop)));
    }

    private async Task<ServeRig> Watched(string? endpoint)
    {
        Directory.CreateDirectory(_files.File("pictures"));
        await File.WriteAllBytesAsync(_files.File("pictures/scene.png"), Scene(), ServeRig.Stop);
        var rig = await ServeRig.Start(0.5, endpoint, config => config with
        {
            State = _files.File("state"),
            Pictures = new PictureShelfOptions { Keep = KeptPictures.All, ReserveBytes = 0 },
            Escalation = config.Escalation is { } escalation ? escalation with { Queue = escalation.Queue with { Folder = _files.File("queue") } } : null,
            Cameras =
            [
                new CameraOptions
                {
                    Name = "door",
                    Folder = _files.File("pictures"),
                    FramesPerSecond = 20,
                    View = View,
                    Look = new LookOptions { PerMinute = 600, QuietFrames = 0 },
                    Message = new MessageOptions { Static = ServeRig.Code },
                },
            ],
        });
        await rig.Until("/api/v1/state", state => state.GetProperty("watching")[0].GetProperty("published").ValueKind == JsonValueKind.Object);
        return rig;
    }

    private static string Sent(SeenRequest request)
    {
        using var json = JsonDocument.Parse(request.Body);
        var url = json.RootElement.GetProperty("messages")[0].GetProperty("content")[0].GetProperty("image_url").GetProperty("url").GetString()!;
        return url[(url.IndexOf(',', StringComparison.Ordinal) + 1)..];
    }

    private static byte[] Bytes(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var all = new MemoryStream();
        file.CopyTo(all);
        return all.ToArray();
    }

    private static byte[] Scene()
    {
        var pixels = Enumerable.Repeat((byte)230, Width * Height * 3).ToArray();
        for (var y = 10; y < 50; y++)
        {
            for (var x = 10; x < 60; x++) ((byte[])[250, 10, 10]).CopyTo(pixels, ((y * Width) + x) * 3);
        }
        return ImageCodec.EncodePng(new RgbImage(Width, Height, pixels));
    }

    private static bool IsRed(byte[] file)
    {
        var pixels = ImageCodec.Decode(file).Pixels;
        return Enumerable.Range(0, pixels.Length / 3).Any(i => pixels[i * 3] > 120 && pixels[(i * 3) + 1] < 90 && pixels[(i * 3) + 2] < 90);
    }
}

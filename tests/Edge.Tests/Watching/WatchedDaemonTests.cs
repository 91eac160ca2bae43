using System.Text.Json;
using Vlm.Edge.Tests.Api;
using Vlm.Hosting;

namespace Vlm.Edge.Tests.Watching;

/// <summary>The daemon with cameras, as an operator starts it.</summary>
public sealed class WatchedDaemonTests : IDisposable
{
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_sheet_in_the_folder_is_read_twice_and_published_and_the_next_one_replaces_it()
    {
        Directory.CreateDirectory(_files.File("pictures"));
        File.WriteAllText(_files.File("message"), "l b p _ o c d\n");
        File.WriteAllText(_files.File("edge.yaml"), $$"""
            server: { listen: "http://127.0.0.1:0" }
            model: { folder: "{{Path.Combine(Repository.Root, "models", "cryptogram-edge")}}", threads: 1 }
            routing: { mode: local-only }
            clock: always
            state: "{{_files.File("state")}}"
            cameras:
              - name: door
                folder: "{{_files.File("pictures")}}"
                frames_per_second: 10
                look: { per_minute: 600 }
                message: { file: "{{_files.File("message")}}" }
            """);
        using var daemon = await DaemonProcess.StartAsync(_files.File("edge.yaml"));
        using var client = new HttpClient { BaseAddress = daemon.Url };
        Show("published-example.png", 1);

        var first = await Until(client, watched => Published(watched) is not null);
        Assert.Equal("cat dog", Published(first));
        var metrics = await client.GetStringAsync("/metrics", ServeRig.Stop);
        Assert.Contains("edge_watch_readings_total{camera=\"door\",kind=\"answer\"} 2", metrics, StringComparison.Ordinal);
        Assert.Contains("edge_watch_outcomes_total{camera=\"door\",outcome=\"published\"} 1", metrics, StringComparison.Ordinal);

        Show("clean-2026-000.png", 2);
        await Until(client, watched => Published(watched) is not (null or "cat dog"));
        using var picture = await client.GetAsync("/api/v1/cameras/door/picture", ServeRig.Stop);
        Assert.Equal("image/jpeg", picture.Content.Headers.ContentType!.MediaType);
        Assert.Equal(404, (int)(await client.GetAsync("/api/v1/cameras/nowhere/picture", ServeRig.Stop)).StatusCode);

        Assert.True((await client.PostAsync("/api/v1/cameras/door/pause", null, ServeRig.Stop)).IsSuccessStatusCode);
        var paused = await Until(client, watched => watched.GetProperty("paused").GetBoolean());
        Assert.Null(Published(paused));
        Assert.Equal(404, (int)(await client.GetAsync("/api/v1/cameras/door/picture", ServeRig.Stop)).StatusCode);
        Assert.True((await client.PostAsync("/api/v1/cameras/door/resume", null, ServeRig.Stop)).IsSuccessStatusCode);
        await Until(client, watched => Published(watched) is not null);
    }

    [Fact]
    public async Task Pictures_and_pauses_need_their_roles()
    {
        var keys = _files.File("keys");
        File.WriteAllLines(keys, [ApiKeys.ToLine("door", "k-ask"), ApiKeys.ToLine("eve", "k-see", Roles.Ask | Roles.See)]);
        await using var rig = await ServeRig.Start(0.99, null, config => config with
        {
            Server = config.Server with { ApiKeysFile = keys },
            Cameras = [new Edge.Cameras.CameraOptions { Name = "door", Folder = Directory.CreateDirectory(_files.File("pictures")).FullName }],
        });
        rig.Client.DefaultRequestHeaders.Authorization = new("Bearer", "k-ask");
        Assert.Equal(403, (int)(await rig.Client.GetAsync("/api/v1/cameras/door/picture", ServeRig.Stop)).StatusCode);
        Assert.Equal(403, (int)(await rig.Client.PostAsync("/api/v1/cameras/door/pause", null, ServeRig.Stop)).StatusCode);
        Assert.DoesNotContain("id=\"cameras\"", await rig.Client.GetStringAsync("/", ServeRig.Stop), StringComparison.Ordinal);
        rig.Client.DefaultRequestHeaders.Authorization = new("Bearer", "k-see");
        Assert.Contains("id=\"cameras\"", await rig.Client.GetStringAsync("/", ServeRig.Stop), StringComparison.Ordinal);
        // Allowed, but the folder is empty.
        Assert.Equal(404, (int)(await rig.Client.GetAsync("/api/v1/cameras/door/picture", ServeRig.Stop)).StatusCode);
    }

    private static string? Published(JsonElement watched) =>
        watched.GetProperty("published") is { ValueKind: JsonValueKind.Object } published ? published.GetProperty("answer").GetString() : null;

    private void Show(string sample, int number)
    {
        var file = _files.File($"pictures/{number}.png");
        File.Copy(Path.Combine(Repository.Root, "models", "cryptogram-edge", "samples", sample), file);
        // A copy keeps the time of what it is a copy of.
        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddYears(50).AddHours(number));
    }

    private static async Task<JsonElement> Until(HttpClient client, Func<JsonElement, bool> wanted)
    {
        for (var i = 0; i < 3000; i++)
        {
            using var state = JsonDocument.Parse(await client.GetStringAsync("/api/v1/state", ServeRig.Stop));
            var watched = state.RootElement.GetProperty("watching")[0];
            if (wanted(watched)) return watched.Clone();
            await Task.Delay(20, ServeRig.Stop);
        }
        throw new TimeoutException($"The state did not become as wanted; it is {await client.GetStringAsync("/api/v1/state", ServeRig.Stop)}");
    }
}

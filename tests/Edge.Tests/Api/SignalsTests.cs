using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Vlm.Edge.Tests.Escalations;
using Vlm.Hosting;

namespace Vlm.Edge.Tests.Api;

/// <summary>What the program does at signals, and whose the files are that it writes.</summary>
public sealed class SignalsTests : IDisposable
{
    private readonly TestFiles _files = new();

    public SignalsTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "These are not signals of Windows.");

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Told_to_end_it_is_not_ready_answers_still_finishes_what_is_under_way_and_ends_with_0()
    {
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var endpoint = await ScriptedEndpoint.Start(async (context, seen) =>
        {
            arrived.TrySetResult();
            await release.Task.WaitAsync(context.RequestAborted);
            await ScriptedEndpoint.Right(context, seen);
        });
        using var daemon = await DaemonProcess.StartAsync(Configure("escalate", endpoint.Url));
        using var client = new HttpClient { BaseAddress = daemon.Url };
        var underWay = AskAsync(client);
        await arrived.Task.WaitAsync(ServeRig.Stop);

        daemon.Signal("TERM");
        HttpResponseMessage health;
        do health = await client.GetAsync("/health/ready", ServeRig.Stop);
        while (health.StatusCode == HttpStatusCode.OK);
        Assert.Contains("stopping", await health.Content.ReadAsStringAsync(ServeRig.Stop), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/state", ServeRig.Stop)).StatusCode);
        // A second signal closes the door at once; what is under way goes on.
        daemon.Signal("TERM");
        release.SetResult();

        Assert.Equal("escalation", (await underWay).GetProperty("answered_by").GetString());
        Assert.Equal(0, await daemon.EndAsync());
    }

    [Fact]
    public async Task Hung_up_it_reads_configuration_and_keys_again_and_keeps_the_old_ones_when_they_are_wrong()
    {
        Assert.SkipWhen(IgnoresHangUp, "SIGHUP is ignored here (started by nohup?), and what this process starts inherits that");
        var config = Configure("escalate", "http://127.0.0.1:9/v1");
        using var daemon = await DaemonProcess.StartAsync(config);
        using var client = new HttpClient { BaseAddress = daemon.Url };
        var good = File.ReadAllText(config);

        File.WriteAllText(config, good.Replace("mode: escalate", "mode: sideways", StringComparison.Ordinal));
        daemon.Signal("HUP");
        await ClientTests.Until(() => daemon.HasSaid("the old one stays in force"));
        Assert.Equal("escalate", await ModeAsync(client));

        File.WriteAllText(config, good.Replace("mode: escalate", "mode: local-only", StringComparison.Ordinal).Replace("threads: 1", "threads: 2",
            StringComparison.Ordinal).Replace("audit:", "budget: { burst: 5 }\naudit:", StringComparison.Ordinal).Replace(":9/v1", ":10/v1",
            StringComparison.Ordinal));
        daemon.Signal("HUP");
        await ClientTests.Until(() => daemon.HasSaid(
            "Configuration read again: budget.burst, escalation.endpoints[0].url, routing.mode; in force after a restart: model.threads"));
        Assert.Equal("local-only", await ModeAsync(client));

        File.WriteAllText(_files.File("keys"), ApiKeys.ToLine("chief", "secret", Roles.All));
        File.WriteAllText(config, good.Replace("notice_seconds: 8", $"notice_seconds: 8, api_keys_file: \"{_files.File("keys")}\"", StringComparison.Ordinal));
        daemon.Signal("HUP");
        await ClientTests.Until(() => daemon.HasSaid("server.api_keys_file"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/api/v1/state", ServeRig.Stop)).StatusCode);
        client.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
        Assert.Equal("escalate", await ModeAsync(client));
    }

    [Fact]
    public async Task Hung_up_it_looks_at_the_cameras_that_it_has_now_and_at_the_old_ones_when_the_file_is_wrong()
    {
        Assert.SkipWhen(IgnoresHangUp, "SIGHUP is ignored here (started by nohup?), and what this process starts inherits that");
        var config = Configure("escalate", "http://127.0.0.1:9/v1");
        var good = File.ReadAllText(config);
        var folder = Directory.CreateDirectory(_files.File("pictures")).FullName;
        File.Copy(TestFiles.Picture("a.png"), Path.Combine(folder, "a.png"));
        string With(params string[] cameras) => $"{good}\ncameras:\n{string.Concat(cameras.Select(camera => $"  - {camera}\n"))}";
        string shelf = $"{{ name: shelf, folder: \"{folder}\" }}", press = "{ name: press, push: true }", door = "{ name: door, push: true }";
        File.WriteAllText(config, With(shelf, press));
        using var daemon = await DaemonProcess.StartAsync(config);
        using var client = new HttpClient { BaseAddress = daemon.Url };
        await UntilAsync(client, cameras => cameras.Length == 2 && cameras[0].GetProperty("frames").GetInt32() > 0);

        File.WriteAllText(config, With(shelf, "{ name: press }"));
        daemon.Signal("HUP");
        await ClientTests.Until(() => daemon.HasSaid("the old one stays in force") && daemon.HasSaid("press: expected one of folder"));
        await UntilAsync(client, cameras => Names(cameras) is "shelf press");

        File.WriteAllText(config, With(shelf, door));
        daemon.Signal("HUP");
        await UntilAsync(client, cameras => Names(cameras) is "shelf door" && cameras[0].GetProperty("openings").GetInt32() == 1);
        Assert.True(daemon.HasSaid("Camera press: it is gone") && daemon.HasSaid("Camera door: it is new"));

        File.WriteAllText(config, With(shelf.Replace("}", ", frames_per_second: 5 }", StringComparison.Ordinal)));
        daemon.Signal("HUP");
        await UntilAsync(client, cameras => Names(cameras) is "shelf" && cameras[0].GetProperty("openings").GetInt32() > 2
            && cameras[0].GetProperty("state").GetString() == "online");

        static string Names(JsonElement[] cameras) => string.Join(' ', cameras.Select(camera => camera.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task What_it_writes_is_its_users_alone()
    {
        if (OperatingSystem.IsWindows()) return;
        using var daemon = await DaemonProcess.StartAsync(Configure("answer-now", "http://127.0.0.1:9/v1"));
        using var client = new HttpClient { BaseAddress = daemon.Url };
        await AskAsync(client);

        var written = Directory.GetFileSystemEntries(_files.File("state"), "*", SearchOption.AllDirectories)
            .Concat(Directory.GetFileSystemEntries(_files.File("queue"), "*", SearchOption.AllDirectories))
            .Concat([_files.File("state"), _files.File("queue")]).ToArray();

        Assert.InRange(written.Length, 6, int.MaxValue);
        const UnixFileMode Others = (UnixFileMode)0x3F;
        foreach (var path in written) Assert.True((File.GetUnixFileMode(path) & Others) == 0, path);
    }

    private static bool IgnoresHangUp
    {
        get
        {
            const string Status = "/proc/self/status", Ignored = "SigIgn:";
            var line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal)) : null;
            return line is not null && (Convert.ToUInt64(line[Ignored.Length..].Trim(), 16) & 1) != 0;
        }
    }

    private static async Task UntilAsync(HttpClient client, Func<JsonElement[], bool> wanted)
    {
        for (var i = 0; i < 3000; i++)
        {
            var state = await client.GetFromJsonAsync<JsonElement>("/api/v1/state", ServeRig.Stop);
            if (wanted([.. state.GetProperty("cameras").EnumerateArray()])) return;
            await Task.Delay(20, ServeRig.Stop);
        }
        throw new TimeoutException($"The cameras did not become as wanted: {await client.GetStringAsync("/api/v1/state", ServeRig.Stop)}");
    }

    private static async Task<string?> ModeAsync(HttpClient client) =>
        (await client.GetFromJsonAsync<JsonElement>("/api/v1/state", ServeRig.Stop)).GetProperty("mode").GetString();

    private static async Task<JsonElement> AskAsync(HttpClient client)
    {
        using var response = await client.PostAsJsonAsync("/api/v1/solve", new { picture = ServeRig.DataUri(), code = ServeRig.Code }, ServeRig.Stop);
        return await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop);
    }

    private string Configure(string mode, string endpoint)
    {
        var config = _files.File("edge.yaml");
        File.WriteAllText(config, $"""
            server: {"{"} listen: "http://127.0.0.1:0", notice_seconds: 8 {"}"}
            model: {"{"} folder: "{ServeRig.Package(_files, 0.5)}", threads: 1 {"}"}
            routing: {"{"} mode: {mode} {"}"}
            audit: {"{"} share: 0, share_near_threshold: 0 {"}"}
            escalation:
              endpoints: [ {"{"} name: larger, url: "{endpoint}" {"}"} ]
              queue: {"{"} folder: "{_files.File("queue")}" {"}"}
            state: "{_files.File("state")}"
            """);
        return config;
    }
}

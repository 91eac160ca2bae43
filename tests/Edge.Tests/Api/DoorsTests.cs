using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Vlm.Edge.Routing;
using Vlm.Edge.Tests.Escalations;
using Vlm.Hosting;

namespace Vlm.Edge.Tests.Api;

/// <summary>Who is let in, and what those are told who are not.</summary>
public sealed class DoorsTests : IDisposable
{
    private const double Sure = 0.99;
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Foreign_hosts_and_pages_are_refused_everywhere_but_at_health()
    {
        await using var rig = await ServeRig.Start(Sure, null);
        foreach (var path in (string[])["/api/v1/state", "/v1/models", "/metrics", "/"])
        {
            Assert.Equal((421, "foreign_host"), await Ask(rig, path, ("Host", "evil.example")));
            Assert.Equal((403, "foreign_origin"), await Ask(rig, path, ("Origin", "http://evil.example")));
            Assert.Equal((403, "foreign_origin"), await Ask(rig, path, ("Sec-Fetch-Site", "cross-site")));
        }
        Assert.Equal((200, ""), await Ask(rig, "/health/ready", ("Host", "probe.example")));
        Assert.Equal((200, ""), await Ask(rig, "/api/v1/state", ("Origin", rig.Client.BaseAddress!.GetLeftPart(UriPartial.Authority))));
    }

    [Theory]
    [InlineData("/api/v1/state", 200)]
    [InlineData("/health/live", 200)]
    [InlineData("/metrics", 200)]
    [InlineData("/nowhere", 404)]
    [InlineData("/api/v1/solve", 405)]
    [InlineData("/v1/models/other", 404)]
    public async Task Every_answer_has_an_id_and_is_neither_kept_nor_guessed_at(string path, int status)
    {
        await using var rig = await ServeRig.Start(Sure, null);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Request-Id", "mine-1");
        using var response = await rig.Client.SendAsync(request, ServeRig.Stop);
        using var other = await rig.Client.GetAsync(path, ServeRig.Stop);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.True(response.Headers.CacheControl!.NoStore);
        Assert.Equal("mine-1", Assert.Single(response.Headers.GetValues("X-Request-Id")));
        Assert.Equal(32, Assert.Single(other.Headers.GetValues("X-Request-Id")).Length);
    }

    [Fact]
    public async Task A_key_does_what_its_roles_say_as_often_as_it_may_until_its_line_is_gone()
    {
        var keys = _files.File("keys");
        File.WriteAllLines(keys, [ApiKeys.ToLine("door", "k-ask"), ApiKeys.ToLine("chief", "k-operate", Roles.Operate)]);
        await using var rig = await ServeRig.Start(Sure, null, config => config with
        {
            Server = config.Server with { ApiKeysFile = keys, RequestsPerMinute = 1, RequestBurst = 3 },
        });

        Assert.Equal((403, "role_missing"), await Ask(rig, "/api/v1/state", ("Authorization", "Bearer k-ask")));
        Assert.Equal((403, "role_missing"), await Ask(rig, "/v1/models", ("Authorization", "Bearer k-operate")));
        Assert.Equal((200, ""), await Ask(rig, "/api/v1/state", ("Authorization", "Bearer k-operate")));
        for (var i = 0; i < 3; i++) Assert.Equal((200, ""), await Ask(rig, "/v1/models", ("Authorization", "Bearer k-ask")));
        Assert.Equal((429, "rate_limited"), await Ask(rig, "/v1/models", ("Authorization", "Bearer k-ask")));
        Assert.Equal((200, ""), await Ask(rig, "/api/v1/state", ("Authorization", "Bearer k-operate")));

        File.WriteAllLines(keys, [ApiKeys.ToLine("chief", "k-operate", Roles.Operate)]);
        rig.Daemon.Change(rig.Daemon.Config);
        Assert.Equal((401, "invalid_api_key"), await Ask(rig, "/v1/models", ("Authorization", "Bearer k-ask")));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8088", false, null, true)]
    [InlineData("http://localhost:8088", false, null, true)]
    [InlineData("http://0.0.0.0:8088", false, null, false)]
    [InlineData("http://box.example.org:8088", false, null, false)]
    [InlineData("http://0.0.0.0:8088", false, false, true)]
    [InlineData("http://0.0.0.0:8088", true, null, true)]
    [InlineData("http://127.0.0.1:8088", false, true, false)]
    public void Beyond_this_machine_keys_are_needed_or_it_is_said_that_they_are_not(string listen, bool hasFile, bool? required, bool starts)
    {
        File.WriteAllText(_files.File("keys"), "");
        var problems = new ServerOptions { Listen = listen, ApiKeysFile = hasFile ? _files.File("keys") : null, KeysRequired = required }.Problems();
        if (starts) Assert.Empty(problems);
        else Assert.Contains("keys_required: false", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_that_is_read_again_is_in_force_as_far_as_it_can_be_and_the_rest_is_named()
    {
        await using var rig = await ServeRig.Start(0.5, "http://127.0.0.1:9/v1");
        var before = rig.Daemon.Config;
        var (changed, later) = rig.Daemon.Change(before with
        {
            Routing = before.Routing with { Mode = RoutingMode.LocalOnly },
            Server = before.Server with { Queue = 7, PixelLimit = 800 },
            Model = before.Model with { Threads = 3 },
        });

        Assert.Equal(["routing.mode", "server.pixel_limit"], changed);
        Assert.Equal(["model.threads", "server.queue"], later);
        Assert.Equal("local-only", (await rig.Get("/api/v1/state")).GetProperty("mode").GetString());
        using var large = await rig.PostForm(ServeRig.Picture(), ServeRig.Code);
        Assert.Equal(413, (int)large.StatusCode);
        Assert.Throws<ConfigException>(() => rig.Daemon.Change(before with { Server = before.Server with { ApiKeysFile = "/nowhere/keys" } }));
        Assert.Equal(800, rig.Daemon.Config.Server.PixelLimit);
    }

    [Fact]
    public async Task Whom_to_ask_and_for_how_much_change_while_a_question_is_under_way_which_ends_where_it_began()
    {
        var (arrived, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var former = await ScriptedEndpoint.Start(async (context, seen) =>
        {
            arrived.TrySetResult();
            await release.Task.WaitAsync(context.RequestAborted);
            await ScriptedEndpoint.Right(context, seen);
        });
        await using var latter = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await ServeRig.Start(0.5, former.Url);
        var underWay = rig.Solve(ServeRig.OtherCode);
        await arrived.Task.WaitAsync(ServeRig.Stop);

        var before = rig.Daemon.Config;
        var (changed, later) = rig.Daemon.Change(before with
        {
            Budget = before.Budget with { CallsPerDay = 2 },
            Escalation = before.Escalation! with
            {
                Endpoints = [before.Escalation.Endpoints[0] with { Name = "latter", Url = latter.Url }],
                Worker = before.Escalation.Worker with { Parallel = 7 },
            },
        });
        Assert.Equal(["budget.calls_per_day", "escalation.endpoints[0].name", "escalation.endpoints[0].url"], changed);
        Assert.Equal(["escalation.worker.parallel"], later);
        Assert.Equal("escalation", (await rig.Solve("q x w _ p r z")).GetProperty("answered_by").GetString());
        release.SetResult();
        Assert.Equal("qxr wzp", (await underWay).GetProperty("answer").GetString());
        Assert.Equal((1, 1), (former.Requests.Count, latter.Requests.Count));
        Assert.Equal("budget", (await rig.Solve("z x w _ p r q")).GetProperty("degraded_reason").GetString());

        var metrics = await rig.Client.GetStringAsync("/metrics", ServeRig.Stop);
        foreach (var name in (string[])["larger", "latter"])
            Assert.Contains($"edge_escalation_breaker_state{{endpoint=\"{name}\"}} 0", metrics, StringComparison.Ordinal);
        var wrong = before.Escalation.Endpoints[0] with { CaFile = _files.File("keys") };
        File.WriteAllText(_files.File("keys"), "no certificate");
        Assert.Throws<ConfigException>(() => rig.Daemon.Change(before with { Escalation = before.Escalation with { Endpoints = [wrong] } }));
        Assert.Equal(latter.Url, rig.Daemon.Config.Escalation!.Endpoints[0].Url);
    }

    [Theory]
    [InlineData("""{"code": "a b"}""", 400, "picture")]
    [InlineData("""{"picture": "P"}""", 422, "code")]
    [InlineData("""{"picture": "P", "code": null}""", 422, "code")]
    [InlineData("""{"picture": "P", "code": 7}""", 400, "code")]
    [InlineData("""{"picture": null, "code": "a b"}""", 400, "picture")]
    [InlineData("""{"picture": "P", "code": "a b", "deadline_ms": "x"}""", 400, "deadline_ms")]
    [InlineData("""{"picture": "P", "code": "a b", "colour": 1}""", 400, "colour")]
    [InlineData("""{"picture": "P", "code": "a b", "code": "c d"}""", 400, null)]
    [InlineData("[]", 400, null)]
    [InlineData("null", 400, null)]
    [InlineData("{\"picture\"", 400, null)]
    public async Task What_is_wrong_with_a_body_is_told_without_names_of_the_programs_types(string body, int status, string? parameter)
    {
        await using var rig = await ServeRig.Start(Sure, null);
        using var content = new StringContent(body.Replace("\"P\"", $"\"{ServeRig.DataUri()}\"", StringComparison.Ordinal), Encoding.UTF8, "application/json");
        using var response = await rig.Client.PostAsync("/api/v1/solve", content, ServeRig.Stop);
        var error = (await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop)).GetProperty("error");

        Assert.Equal((status, parameter), ((int)response.StatusCode, error.GetProperty("param").GetString()));
        foreach (var word in (string[])["Vlm.", "System.", "type '", "annotation", "constructor"])
            Assert.DoesNotContain(word, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_that_send_slowly_take_no_place_from_others_and_are_cut_off()
    {
        await using var rig = await ServeRig.Start(Sure, null, config => config with { Server = config.Server with { InFlight = 2, BodySeconds = 2 } });
        var slow = Enumerable.Range(0, 64).Select(_ => Trickle(rig.Client.BaseAddress!)).ToArray();
        try
        {
            for (var i = 0; i < 5; i++) Assert.Equal("cat dog", (await rig.Solve()).GetProperty("answer").GetString());
            var buffer = new byte[64];
            Assert.StartsWith("HTTP/1.1 408", Encoding.ASCII.GetString(buffer, 0, await slow[0].ReceiveAsync(buffer, ServeRig.Stop)), StringComparison.Ordinal);
        }
        finally
        {
            foreach (var socket in slow) socket.Dispose();
        }
    }

    private static Socket Trickle(Uri address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, address.Port);
        socket.Send(Encoding.ASCII.GetBytes(
            $"POST /api/v1/solve HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: 12000000\r\n\r\n{{"));
        return socket;
    }

    private static async Task<(int Status, string Code)> Ask(ServeRig rig, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await rig.Client.SendAsync(request, ServeRig.Stop);
        if (response.StatusCode == HttpStatusCode.OK) return (200, "");
        var body = await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop);
        return ((int)response.StatusCode, body.GetProperty("error").GetProperty("code").GetString()!);
    }
}

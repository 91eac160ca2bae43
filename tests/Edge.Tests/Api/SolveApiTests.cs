using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Edge.Tests.Escalations;
using Vlm.Hosting;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Api;

public sealed class SolveApiTests
{
    private const double Sure = 0.99, Unsure = 0.5;

    [Fact]
    public async Task A_confident_answer_is_certified_and_says_everything()
    {
        await using var rig = await ServeRig.Start(Sure, null);

        var answer = await rig.Solve();

        Assert.Equal(
            ["id", "answer", "status", "unseen", "confidence", "answered_by", "certified", "degraded", "degraded_reason", "degraded_detail", "escalated",
                "escalation_reason",
                "correction_id", "model", "warning", "sheet_cut_out", "timings_ms"],
            answer.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("answered", 0), (Text(answer, "status"), answer.GetProperty("unseen").GetArrayLength()));
        Assert.Equal(("cat dog", "edge", "package"), (Text(answer, "answer"), Text(answer, "answered_by"), Text(answer, "model")));
        Assert.Equal((true, false, false),
            (answer.GetProperty("certified").GetBoolean(), answer.GetProperty("degraded").GetBoolean(), answer.GetProperty("escalated").GetBoolean()));
        Assert.Equal(Sure, answer.GetProperty("confidence").GetDouble(), 1e-9);
        var timings = answer.GetProperty("timings_ms").EnumerateObject().ToDictionary(stage => stage.Name, stage => stage.Value.GetDouble());
        Assert.Equal(["queue", "decode_picture", "find_sheet", "patches", "vision", "prefill", "decode", "gate", "escalation", "total"], timings.Keys);
        Assert.True(timings["total"] >= timings["decode"] && timings["decode"] > 0 && timings["escalation"] == 0);
        Assert.Equal("final", Text(await rig.Get($"/api/v1/answers/{Text(answer, "id")}"), "status"));
    }

    [Fact]
    public async Task A_form_is_answered_like_json()
    {
        await using var rig = await ServeRig.Start(Sure, null);

        using var response = await rig.PostForm(ServeRig.Picture(), "C  a t _ d o g", ("mode", "local-only"), ("deadline_ms", "5000"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("cat dog", Text(await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop), "answer"));
    }

    [Fact]
    public async Task An_unconfident_answer_comes_from_the_larger_model_and_is_not_asked_for_twice()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url);

        var answer = await rig.Solve(ServeRig.OtherCode);
        var again = await rig.Solve(ServeRig.OtherCode);

        Assert.Equal(("qxr wzp", "escalation", "low_confidence", "larger"),
            (Text(answer, "answer"), Text(answer, "answered_by"), Text(answer, "escalation_reason"), Text(answer, "model")));
        Assert.Equal((false, false, true),
            (answer.GetProperty("degraded").GetBoolean(), answer.GetProperty("certified").GetBoolean(), answer.GetProperty("escalated").GetBoolean()));
        Assert.Equal(("qxr wzp", "cache"), (Text(again, "answer"), Text(again, "answered_by")));
        Assert.NotEqual(Text(answer, "id"), Text(again, "id"));
        var request = Assert.Single(endpoint.Requests);
        Assert.Equal(Text(answer, "id"), request.Key);
    }

    [Fact]
    public async Task A_hard_failure_is_escalated_whatever_the_gate_would_say()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await ServeRig.Start(Sure, endpoint.Url);

        // "cat dog" has seven symbols, this code four.
        var answer = await rig.Solve("q x r w");

        Assert.Equal(("qxrw", "hard_failure"), (Text(answer, "answer"), Text(answer, "escalation_reason")));
    }

    [Fact]
    public async Task Escalate_all_asks_the_larger_model_although_the_gate_is_confident_and_needs_no_gate()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        foreach (var confidence in new double?[] { Sure, null })
        {
            await using var rig = await ServeRig.Start(confidence, endpoint.Url, config =>
                config with { Routing = config.Routing with { Mode = RoutingMode.EscalateAll } });
            var answer = await rig.Solve(ServeRig.OtherCode);
            Assert.Equal(("qxr wzp", "always"), (Text(answer, "answer"), Text(answer, "escalation_reason")));
        }
    }

    [Fact]
    public async Task Answer_now_is_corrected_by_event_and_the_correction_can_be_fetched()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url);
        using var events = new StreamReader(await rig.Client.GetStreamAsync("/api/v1/events", ServeRig.Stop));
        Assert.Equal(": listening", await events.ReadLineAsync(ServeRig.Stop));

        var id = Text(await rig.Solve(ServeRig.OtherCode, "answer-now"), "id");

        var lines = new List<string?>();
        while (lines.Count(line => line?.Length > 0) < 3) lines.Add(await events.ReadLineAsync(ServeRig.Stop));
        Assert.Contains("event: correction", lines);
        using var data = JsonDocument.Parse(lines.Single(line => line!.StartsWith("data: ", StringComparison.Ordinal))![6..]);
        Assert.Equal((id, "qxr wzp", false),
            (Text(data.RootElement, "id"), Text(data.RootElement, "answer"), data.RootElement.GetProperty("agrees").GetBoolean()));
        var stored = await rig.Until($"/api/v1/answers/{id}", answer => Text(answer, "status") == "corrected");
        Assert.Equal(("cat dog", "qxr wzp"), (Text(stored.GetProperty("answer"), "answer"), Text(stored.GetProperty("correction"), "answer")));
        // The next client with the same picture and code gets the corrected answer.
        var next = await rig.Solve(ServeRig.OtherCode, "answer-now");
        Assert.Equal(("qxr wzp", "cache"), (Text(next, "answer"), Text(next, "answered_by")));
    }

    [Fact]
    public async Task Audits_that_disagree_raise_an_alarm_end_the_certificate_and_close_the_gate()
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => ScriptedEndpoint.Says(context, ScriptedEndpoint.Reply("dog cat")));
        await using var rig = await ServeRig.Start(Sure, endpoint.Url, config => config with
        {
            Audit = new DriftOptions { Share = 1, ShareNearThreshold = 1, OnAlarm = OnAlarm.EscalateAll },
            Cache = new CacheOptions { WindowSeconds = 0 },
        });

        var first = await rig.Solve();
        Assert.Equal((true, "edge", "audit"), (first.GetProperty("certified").GetBoolean(), Text(first, "answered_by"), Text(first, "escalation_reason")));
        // One audit at a time: those still under way when the alarm rings would count for the next one.
        var state = await rig.Until("/api/v1/state", found => Audits(found) == 1);
        for (var audits = 2; state.GetProperty("gate").GetProperty("promise_kept").GetBoolean(); audits++)
        {
            Assert.True(audits < 6, "five disagreements in five audits raised no alarm");
            await rig.Solve();
            state = await rig.Until("/api/v1/state", found => Audits(found) == audits);
        }

        // The alarm rings right after the audit is taken in.
        state = await rig.Until("/api/v1/state", found => found.GetProperty("alarms").GetArrayLength() > 0);
        Assert.Equal("drift", Text(state.GetProperty("alarms")[0], "kind"));
        var last = await rig.Solve();
        Assert.Equal(("dog cat", "escalation", "low_confidence"), (Text(last, "answer"), Text(last, "answered_by"), Text(last, "escalation_reason")));
        Assert.Contains("edge_alarms_total{kind=\"drift\"} 1", await rig.Client.GetStringAsync("/metrics", ServeRig.Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_answered_is_refused_with_its_reason()
    {
        (string Body, int Status, string Code)[] cases =
        [
            ("{\"picture\":\"data:image/png;base64,AAAA\"", 400, "invalid_request"),
            ("{\"picture\":\"data:image/png;base64,AAAA\",\"code\":\"a\",\"cod\":1}", 400, "unknown_parameter"),
            ("{\"picture\":\"http://example.org/a.png\",\"code\":\"a b\"}", 400, "invalid_request"),
            ("{\"picture\":\"data:image/png,AAAA\",\"code\":\"a b\"}", 400, "invalid_request"),
            ("{\"picture\":\"data:image/png;base64,AA*A\",\"code\":\"a b\"}", 400, "invalid_request"),
            ("{\"picture\":\"data:image/png;base64,AAAA\",\"code\":\"a b\"}", 415, "unsupported_picture"),
            ("{\"picture\":\"data:image/png;base64,\",\"code\":\"a b\"}", 415, "unsupported_picture"),
            ("{\"picture\":\"PICTURE\",\"code\":\"abc\"}", 422, "unusable_code"),
            ("{\"picture\":\"PICTURE\",\"code\":\"\"}", 422, "unusable_code"),
            ("{\"picture\":\"PICTURE\",\"code\":\"a b\",\"mode\":\"sometimes\"}", 400, "invalid_request"),
            ("{\"picture\":\"PICTURE\",\"code\":\"a b\",\"mode\":\"escalate\"}", 400, "invalid_request"),
            ("{\"picture\":\"PICTURE\",\"code\":\"a b\",\"deadline_ms\":0}", 400, "invalid_request"),
            ("null", 400, "invalid_request"),
        ];
        await using var rig = await ServeRig.Start(Sure, null);
        foreach (var (body, status, code) in cases)
        {
            using var content = new StringContent(body.Replace("PICTURE", ServeRig.DataUri(), StringComparison.Ordinal), Encoding.UTF8, "application/json");
            using var response = await rig.Client.PostAsync("/api/v1/solve", content, ServeRig.Stop);
            await IsError(response, status, code);
        }
    }

    [Fact]
    public async Task Hostile_pictures_are_refused_before_they_are_decoded()
    {
        await using var rig = await ServeRig.Start(Sure, null, config =>
            config with { Server = config.Server with { PixelLimit = 100_000, BodyLimitBytes = 4_000_000 } });
        var large = ImageCodec.EncodePng(new RgbImage(1000, 200, new byte[1000 * 200 * 3]));

        await IsError(await rig.PostForm(large, "a b"), 413, "picture_too_large");
        await IsError(await rig.PostForm(new byte[5_000_000], "a b"), 413, "request_too_large");
        await IsError(await rig.PostForm(File.ReadAllBytes(Path.Combine(TestFiles.Golden, "pictures", "not-supported.gif")), "a b"), 415,
            "unsupported_picture");
        await IsError(await rig.PostForm(ServeRig.Picture()[..^200], "a b"), 422, "unusable_picture");
        await IsError(await rig.PostForm(ServeRig.Picture(), "a b", ("colour", "red")), 400, "unknown_parameter");
        using var text = new StringContent("hello", Encoding.UTF8, "text/plain");
        await IsError(await rig.Client.PostAsync("/api/v1/solve", text, ServeRig.Stop), 415, "unsupported_media_type");
        Assert.Equal("cat dog", Text(await rig.Solve(), "answer"));
    }

    [Fact]
    public async Task With_keys_a_client_without_one_learns_nothing()
    {
        using var files = new TestFiles();
        File.WriteAllText(files.File("keys"), $"# door\n{ApiKeys.ToLine("one", "secret-1")}\n\n{ApiKeys.ToLine("two", "secret-2")}\n");
        await using var rig = await ServeRig.Start(Sure, null, config => config with { Server = config.Server with { ApiKeysFile = files.File("keys") } });

        await IsError(await rig.PostForm(ServeRig.Picture(), "a b"), 401, "invalid_api_key");
        foreach (var path in (string[])["/api/v1/state", "/api/v1/events", "/api/v1/answers/x", "/v1/models"])
            await IsError(await rig.Client.GetAsync(path, ServeRig.Stop), 401, "invalid_api_key");
        Assert.Equal(HttpStatusCode.OK, (await rig.Client.GetAsync("/health/live", ServeRig.Stop)).StatusCode);
        rig.Client.DefaultRequestHeaders.Authorization = new("Bearer", "secret-3");
        await IsError(await rig.PostForm(ServeRig.Picture(), "a b"), 401, "invalid_api_key");
        rig.Client.DefaultRequestHeaders.Authorization = new("Bearer", "secret-2");
        Assert.Equal("cat dog", Text(await rig.Solve(), "answer"));
    }

    [Fact]
    public async Task A_deadline_before_the_local_answer_is_an_error_and_not_an_answer()
    {
        await using var rig = await ServeRig.Start(Sure, null);
        using var response = await rig.Post(new { picture = ServeRig.DataUri(), code = ServeRig.Code, deadline_ms = 1 });

        await IsError(response, 504, "deadline_exceeded");
    }

    [Fact]
    public async Task A_thousand_clients_are_answered_or_shed_and_memory_stays_bounded()
    {
        await using var rig = await ServeRig.Start(Sure, null, config => config with
        {
            Server = config.Server with { InFlight = 16, Queue = 4 },
            Cache = new CacheOptions { WindowSeconds = 0 },
        });
        await rig.Solve();
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var statuses = await Task.WhenAll(Enumerable.Range(0, 1000).Select(async _ =>
        {
            using var response = await rig.PostForm(ServeRig.Picture(), ServeRig.Code);
            if (response.StatusCode != HttpStatusCode.OK) Assert.NotNull(response.Headers.RetryAfter);
            return (int)response.StatusCode;
        }));

        Assert.All(statuses, status => Assert.Contains(status, (int[])[200, 429, 503]));
        Assert.Contains(200, statuses);
        Assert.Contains(429, statuses);
        Assert.Equal("cat dog", Text(await rig.Solve(), "answer"));
        // The thousand clients live in this process too.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 100L << 20);
        Assert.Contains("edge_requests_in_flight 0", await rig.Client.GetStringAsync("/metrics", ServeRig.Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_count_answers_decisions_and_stages()
    {
        await using var rig = await ServeRig.Start(Sure, null);
        await rig.Solve();
        var metrics = await rig.Client.GetStringAsync("/metrics", ServeRig.Stop);

        Assert.Contains("edge_answers_total{mode=\"local_only\",answered_by=\"edge\",degraded_reason=\"\",certified=\"yes\"} 1", metrics,
            StringComparison.Ordinal);
        Assert.Contains("edge_decisions_total{decision=\"accept\",reason=\"\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("edge_stage_seconds_count{stage=\"decode\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("edge_gate_risk 0.01", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_tell_of_the_client_and_its_queue()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url);
        await rig.Solve();
        var metrics = await rig.Client.GetStringAsync("/metrics", ServeRig.Stop);

        string[] all =
        [
            "edge_escalation_results_total{outcome=\"answered\"}", "edge_escalation_attempts_total{endpoint=\"larger\"", "edge_escalation_queue_waiting ",
            "edge_escalation_breaker_state{endpoint=\"larger\"}", "edge_escalation_seconds_count ",
        ];
        foreach (var said in all)
            Assert.Contains(said, metrics, StringComparison.Ordinal);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static long Audits(JsonElement state) => state.GetProperty("gate").GetProperty("audits").GetInt64();

    private static async Task IsError(HttpResponseMessage response, int status, string code)
    {
        var body = await response.Content.ReadAsStringAsync(ServeRig.Stop);
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode}: {body}");
        using var json = JsonDocument.Parse(body);
        Assert.Equal(code, Text(json.RootElement.GetProperty("error"), "code"));
        Assert.NotEmpty(Text(json.RootElement.GetProperty("error"), "message"));
    }
}

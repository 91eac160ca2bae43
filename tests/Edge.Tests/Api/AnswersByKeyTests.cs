using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Vlm.Edge.Queries;
using Vlm.Edge.Tests.Escalations;
using Vlm.Hosting;

namespace Vlm.Edge.Tests.Api;

/// <summary>A key that only asks knows of its own questions; keys that see or operate know of all.</summary>
public sealed class AnswersByKeyTests : IDisposable
{
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_is_for_the_key_that_asked_and_for_those_that_see_all(bool isChat)
    {
        await using var rig = await Start(null);
        Use(rig, "door");
        var id = isChat ? await ChatAsync(rig) : (await rig.Solve()).GetProperty("id").GetString()!;

        foreach (var (key, status) in ((string, int)[])[("door", 200), ("gate", 404), ("eve", 200), ("chief", 200)])
        {
            Use(rig, key);
            using var response = await rig.Client.GetAsync($"/api/v1/answers/{id}", ServeRig.Stop);
            Assert.Equal((key, status), (key, (int)response.StatusCode));
            if (status == 200) continue;
            // Nothing tells it from an answer that never was.
            var error = (await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop)).GetProperty("error");
            Assert.Equal("unknown_id", error.GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task A_key_hears_of_its_own_questions_from_the_beginning_and_from_now_on()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await Start(endpoint.Url);
        var ids = new Dictionary<string, string>();
        foreach (var key in (string[])["door", "gate"])
        {
            Use(rig, key);
            // The same question twice: the second key's is another one, and gets an answer of its own.
            var answer = await rig.Solve(ServeRig.OtherCode, "answer-now");
            ids[key] = answer.GetProperty("id").GetString()!;
            if (answer.GetProperty("answered_by").GetString() == "edge") Assert.Equal(ids[key], answer.GetProperty("correction_id").GetString());
            await ClientTests.Until(() => rig.Daemon.Queue!.Stats().Waiting == 0);
        }
        rig.Daemon.Alarms.Raise(AlarmKind.State, "for operators");
        foreach (var key in (string[])["door", "gate", "chief"])
        {
            using var heard = await ListenAsync(rig, key);
            foreach (var other in (string[])["door", "gate"]) rig.Daemon.Events.Publish(new EdgeEvent.NotCorrected($"end-{other}", "x"), other);
            var text = await ReadUntilAsync(heard, $"end-{(key == "chief" ? "gate" : key)}");
            Assert.Equal(key is "door" or "chief", text.Contains($"\"{ids["door"]}\"", StringComparison.Ordinal));
            Assert.Equal(key == "chief", text.Contains("for operators", StringComparison.Ordinal));
            if (key != "chief") Assert.DoesNotContain($"end-{(key == "door" ? "gate" : "door")}", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_question_that_another_key_waits_for_is_waited_for_by_each_on_its_own()
    {
        await using var rig = await Start("http://127.0.0.1:9/v1");
        var pending = new List<string?>();
        foreach (var key in (string[])["door", "gate", "door"])
        {
            Use(rig, key);
            var answer = await rig.Solve(ServeRig.OtherCode, "answer-now");
            pending.Add(answer.GetProperty("correction_id").GetString());
            using var response = await rig.Client.GetAsync($"/api/v1/answers/{pending[^1]}", ServeRig.Stop);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        Assert.Equal((pending[0], false), (pending[2], pending[0] == pending[1]));
    }

    private async Task<ServeRig> Start(string? endpoint)
    {
        var keys = _files.File("keys");
        File.WriteAllLines(keys,
        [
            ApiKeys.ToLine("door", "door"), ApiKeys.ToLine("gate", "gate"), ApiKeys.ToLine("eve", "eve", Roles.See),
            ApiKeys.ToLine("chief", "chief", Roles.Operate),
        ]);
        return await ServeRig.Start(0.5, endpoint, config => config with { Server = config.Server with { ApiKeysFile = keys } });
    }

    private static void Use(ServeRig rig, string key) => rig.Client.DefaultRequestHeaders.Authorization = new("Bearer", key);

    private static async Task<string> ChatAsync(ServeRig rig)
    {
        object[] content = [new { type = "image_url", image_url = new { url = ServeRig.DataUri() } }, new { type = "text", text = ServeRig.Code }];
        using var response = await rig.Post(new { model = "package", messages = new[] { new { role = "user", content } } }, "/v1/chat/completions");
        return (await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop)).GetProperty("edge").GetProperty("id").GetString()!;
    }

    private static async Task<StreamReader> ListenAsync(ServeRig rig, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Add("Last-Event-ID", "0");
        var response = await rig.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ServeRig.Stop);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new StreamReader(await response.Content.ReadAsStreamAsync(ServeRig.Stop));
    }

    private static async Task<string> ReadUntilAsync(StreamReader heard, string last)
    {
        var text = "";
        while (!text.Contains(last, StringComparison.Ordinal) && await heard.ReadLineAsync(ServeRig.Stop) is { } line) text += line + "\n";
        return text;
    }
}

using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Api;

/// <summary>The real program, killed while it answers: nothing that a client was told is forgotten.</summary>
public sealed class KilledDaemonTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly ConcurrentDictionary<string, string> _told = new();

    public void Dispose() => _files.Dispose();

    /// <summary>The full loop is 200 questions, 10 kills while asking and 5 while draining: VLM_KILL_LOOP=full. Usually a quarter of it is run.</summary>
    [Fact]
    public async Task Killed_again_and_again_while_it_answers_and_while_it_drains_it_forgets_and_loses_nothing()
    {
        var (questions, kills, killsWhileDraining) = Environment.GetEnvironmentVariable("VLM_KILL_LOOP") == "full" ? (200, 10, 5) : (50, 3, 2);
        var isOpen = false;
        await using var endpoint = await ScriptedEndpoint.Start(async (context, seen) =>
        {
            if (!Volatile.Read(ref isOpen)) context.Response.StatusCode = 503;
            else await ScriptedEndpoint.Right(context, seen);
        });
        var config = Configure(endpoint.Url);
        for (var run = 0; run <= kills; run++)
        {
            using var daemon = await DaemonProcess.StartAsync(config);
            using var client = new HttpClient { BaseAddress = daemon.Url };
            var enough = questions * (run + 1) / (kills + 1);
            var asking = Enumerable.Range(0, 3).Select(asker => AskUntilKilledAsync(client, (run * 3) + asker)).ToArray();
            await ClientTests.Until(() => _told.Count >= enough);
            daemon.Kill();
            await Task.WhenAll(asking);
        }

        Volatile.Write(ref isOpen, true);
        var sent = endpoint.Requests.Count;
        for (var run = 1; run <= killsWhileDraining; run++)
        {
            using var daemon = await DaemonProcess.StartAsync(config);
            await ClientTests.Until(() => endpoint.Requests.Count >= sent + (run * questions / (killsWhileDraining + 2)));
            daemon.Kill();
        }

        using var last = await DaemonProcess.StartAsync(config);
        using var asker = new HttpClient { BaseAddress = last.Url };
        while (await WaitingAsync(asker) > 0) await Task.Delay(50, ServeRig.Stop);
        await CheckAsync(asker, endpoint);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{_told.Count} answers told, {endpoint.Requests.Select(request => request.Key).Distinct().Count()} keys in {endpoint.Requests.Count} requests");
    }

    /// <summary>
    /// Every answer that was told is there, every question that was accepted was asked and is corrected, and no key stands for two questions.
    /// </summary>
    private async Task CheckAsync(HttpClient asker, ScriptedEndpoint endpoint)
    {
        var bodies = endpoint.Requests.GroupBy(request => request.Key)
            .ToDictionary(group => group.Key, group => group.Select(each => each.Body).Distinct().Count());
        var events = await EventsAsync(asker);
        foreach (var (id, text) in _told)
        {
            var kept = await asker.GetFromJsonAsync<JsonElement>($"/api/v1/answers/{id}", ServeRig.Stop);
            Assert.Equal(text, kept.GetProperty("answer").GetRawText());
            if (kept.GetProperty("answer").GetProperty("correction_id").GetString() != id) continue;
            Assert.Equal("corrected", kept.GetProperty("status").GetString());
            Assert.True(bodies.ContainsKey(id), id);
            // The stream has the last 256 events at hand.
            if (_told.Count < 200) Assert.Contains(id, events);
        }
        Assert.All(bodies, each => Assert.Equal(1, each.Value));
    }

    private static async Task<int> WaitingAsync(HttpClient client) =>
        (await client.GetFromJsonAsync<JsonElement>("/api/v1/state", ServeRig.Stop)).GetProperty("queue").GetProperty("waiting").GetInt32();

    private async Task AskUntilKilledAsync(HttpClient client, int asker)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                // A code of its own each time: neither the memory of scenes nor that of pending questions answers it.
                static char Letter(int number) => (char)('a' + (number % 26));
                var code = string.Join(' ', $"{Letter(asker)}{Letter(i)}{Letter(i / 26)}_{Letter(asker / 26)}yz".ToCharArray());
                using var response = await client.PostAsJsonAsync("/api/v1/solve", new { picture = ServeRig.DataUri(), code, mode = "answer-now" },
                    ServeRig.Stop);
                var answer = await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop);
                if (response.IsSuccessStatusCode) _told[answer.GetProperty("id").GetString()!] = answer.GetRawText();
            }
            catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
            {
                return;
            }
        }
    }

    /// <summary>Ids of the corrections that a listener from the beginning hears.</summary>
    private static async Task<HashSet<string>> EventsAsync(HttpClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events");
        request.Headers.Add("Last-Event-ID", "0");
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ServeRig.Stop);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(ServeRig.Stop));
        var ids = new HashSet<string>();
        using var quiet = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            while (await lines.ReadLineAsync(quiet.Token) is { } line)
            {
                if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
                using var json = JsonDocument.Parse(line[6..]);
                if (json.RootElement.TryGetProperty("id", out var id)) ids.Add(id.GetString()!);
            }
        }
        catch (OperationCanceledException)
        {
            // All that was kept came at once.
        }
        return ids;
    }

    private string Configure(string endpoint)
    {
        var config = _files.File("edge.yaml");
        File.WriteAllText(config, $"""
            server: {"{"} listen: "http://127.0.0.1:0" {"}"}
            model: {"{"} folder: "{ServeRig.Package(_files, 0.5)}", threads: 1 {"}"}
            routing: {"{"} mode: answer-now {"}"}
            budget: {"{"} calls_per_minute: 100000, burst: 100000 {"}"}
            audit: {"{"} share: 0, share_near_threshold: 0 {"}"}
            escalation:
              endpoints: [ {"{"} name: larger, url: "{endpoint}" {"}"} ]
              queue: {"{"} folder: "{_files.File("queue")}" {"}"}
            state: "{_files.File("state")}"
            """);
        return config;
    }
}

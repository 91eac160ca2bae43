using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Vlm.Escalation.Work;

namespace Vlm.Escalation.Tests.Serve;

/// <summary>Tests that measure this process's memory: nothing else runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Many more clients than can be served.</summary>
[Collection(nameof(Alone))]
public sealed class LoadTests
{
    private const int Clients = 300;
    private const int Places = 20;
    private const int BodyBytes = 1 << 20;

    [Fact]
    public async Task Three_hundred_clients_at_once_are_served_or_sent_away_and_memory_stays_bounded()
    {
        var model = new ScriptedModel { IsHeld = true };
        var options = TestServer.Options with { Queue = new QueueOptions { Capacity = Places - 4, Batch = 4, WindowMilliseconds = 0 } };
        await using var server = await TestServer.StartAsync(model, options);
        // One megabyte per body, the same bytes for all: what grows is what the server keeps.
        var body = Encoding.UTF8.GetBytes(Requests.Body(new { user = new string('x', BodyBytes) }).ToJsonString());
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Clients }) { BaseAddress = server.Url };
        client.DefaultRequestHeaders.Authorization = server.Client.DefaultRequestHeaders.Authorization;
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var all = Enumerable.Range(0, Clients).Select(_ => AskAsync(client, body)).ToArray();
        // Who gets a place depends on whose body comes in first: bodies that come in together may find no memory before all places are taken.
        await TestServer.Until(() => all.Count(one => one.IsCompleted) + server.Queue.Places == Clients);

        // Unbounded, the server would now hold 300 MB of bodies. Those it has read are gone too: a waiting job keeps its picture alone.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, (2 * Places * (long)BodyBytes) + (32 << 20));
        model.Release();
        var statuses = await Task.WhenAll(all);
        // 429 where the queue was full, 503 where the memory for bodies was.
        Assert.InRange(statuses.Count(status => status == HttpStatusCode.OK), 1, Places);
        Assert.All(statuses, status => Assert.Contains(status, (HttpStatusCode[])
            [HttpStatusCode.OK, HttpStatusCode.TooManyRequests, HttpStatusCode.ServiceUnavailable]));

        // And afterwards it is as it was.
        await TestServer.Until(() => server.Queue.Places == 0);
        Assert.Equal(200, (int)(await server.AskAsync()).StatusCode);
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient client, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await client.PostAsync("/v1/chat/completions", content, TestContext.Current.CancellationToken);
        if (response.StatusCode != HttpStatusCode.OK) Assert.NotNull(response.Headers.RetryAfter);
        return response.StatusCode;
    }
}

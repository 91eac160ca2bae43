using Microsoft.Extensions.Time.Testing;
using Vlm.Escalation.Chat;
using Vlm.Escalation.Work;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Tests.Chat;

public sealed class IdempotencyTests
{
    private static readonly (string, string) Key = ("Idempotency-Key", "a-1");

    [Fact]
    public async Task The_same_key_and_body_get_the_same_answer_in_flight_and_afterwards()
    {
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model);
        var (first, second) = (server.AskAsync(headers: Key), server.AskAsync(headers: Key));
        await TestServer.Until(() => server.Queue.Places == 2 && model.Batches.Count == 1);
        model.Release();
        var ids = new HashSet<string?>();
        foreach (var response in (HttpResponseMessage[])[await first, await second, await server.AskAsync(headers: Key)])
            ids.Add((await TestServer.JsonAsync(response)).GetProperty("id").GetString());
        Assert.Single(ids);
        Assert.Single(model.Batches);
    }

    [Fact]
    public async Task A_repeated_stream_is_sent_again_whole()
    {
        var model = new ScriptedModel();
        await using var server = await TestServer.StartAsync(model);
        async Task<string> Stream() =>
            await (await server.AskAsync(new { stream = true }, headers: Key)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var first = await Stream();
        Assert.EndsWith("data: [DONE]\n\n", first, StringComparison.Ordinal);
        Assert.Equal(first, await Stream());
        Assert.Single(model.Batches);
    }

    [Fact]
    public async Task The_same_key_with_another_body_is_refused()
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        (await server.AskAsync(headers: Key)).Dispose();
        using var other = await server.AskAsync(new { max_tokens = 1 }, headers: Key);
        Assert.Equal("idempotency_key_reused", await TestServer.ErrorCodeAsync(other, 422));
    }

    [Fact]
    public void The_work_goes_on_until_the_last_of_those_who_share_it_leaves()
    {
        var memory = new IdempotencyMemory(new IdempotencyOptions(), TimeProvider.System);
        SolveJob New() => new(new ChatRequest("q x", Requests.Picture, new ChatSettings()), TimeProvider.System);
        var job = memory.Join(("box", "a"), [1], New);
        Assert.Same(job, memory.Join(("box", "a"), [1], New));
        // Another caller's key of the same name is another key.
        Assert.NotSame(job, memory.Join(("other box", "a"), [2], New));

        job.Leave();
        Assert.False(job.Stop.IsCancellationRequested);
        job.Leave();
        Assert.True(job.Stop.IsCancellationRequested);
        Assert.True(job.Answer.IsCanceled);
        Assert.NotSame(job, memory.Join(("box", "a"), [1], New));
    }

    [Fact]
    public void Failures_are_forgotten_answers_grow_old_and_the_oldest_go_first()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var memory = new IdempotencyMemory(new IdempotencyOptions { Entries = 2, Minutes = 10 }, time);
        var made = 0;
        SolveJob Join(string key)
        {
            var job = memory.Join(("box", key), [1], () =>
            {
                made++;
                return new SolveJob(new ChatRequest("q x", Requests.Picture, new ChatSettings()), time);
            });
            return job;
        }
        var answer = new Answer { Id = "1", Created = 0, Text = "", Tokens = [], IsCut = false, PromptTokens = 1, PictureTokens = 1, CompletionTokens = 1 };

        Join("failed").Fail(new ApiException(ErrorReason.Internal, "no"));
        Join("failed").Complete(answer);
        Assert.Equal(2, made);
        Join("failed");
        Assert.Equal(2, made);

        foreach (var key in (string[])["b", "c", "d"])
        {
            time.Advance(TimeSpan.FromSeconds(1));
            Join(key).Complete(answer);
        }
        Join("d");
        Assert.Equal((5, 2), (made, memory.Count));

        time.Advance(TimeSpan.FromMinutes(11));
        Join("e");
        Assert.Equal(1, memory.Count);
    }
}

using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Vlm.Escalation.Chat;
using Vlm.Escalation.Work;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Tests.Work;

/// <summary>What happens while requests wait: over HTTP, with a model that is held.</summary>
public sealed class QueueTests
{
    private static readonly EscalationOptions OneByOne = TestServer.Options with
    {
        Queue = new QueueOptions
        {
            Capacity = 2,
            Batch = 1,
            WindowMilliseconds = 0
        }
    };

    [Fact]
    public async Task Who_finds_the_queue_full_is_sent_away_with_a_time_to_come_back()
    {
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model, OneByOne);
        var served = Enumerable.Range(0, 3).Select(_ => server.AskAsync()).ToArray();
        await TestServer.Until(() => server.Queue.Places == 3);

        using var refused = await server.AskAsync();
        Assert.Equal("queue_full", await TestServer.ErrorCodeAsync(refused, 429));
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);

        model.Release();
        foreach (var response in await Task.WhenAll(served)) Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(0, await server.MetricAsync("escalation_queue_length"));
    }

    [Fact]
    public async Task Those_who_wait_are_answered_together_up_to_the_bound()
    {
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model, TestServer.Options with { Queue = new QueueOptions { Batch = 4, WindowMilliseconds = 0 } });
        var first = server.AskAsync();
        await TestServer.Until(() => model.Batches.Count == 1);
        var others = Enumerable.Range(0, 6).Select(_ => server.AskAsync()).ToArray();
        await TestServer.Until(async () => await server.MetricAsync("escalation_queue_length") == 6);

        model.Release();
        await Task.WhenAll([first, .. others]);
        Assert.Equal([1, 4, 2], model.Batches.Select(batch => batch.Length));
        Assert.Equal(3, await server.MetricAsync("escalation_batch_size_count"));
        Assert.Equal(7, await server.MetricAsync("escalation_batch_size_sum"));
    }

    [Theory]
    [InlineData(false, 0), InlineData(true, 2)]
    public async Task Answers_in_which_words_had_a_say_are_counted(bool leansOnWords, int counted)
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel { LeansOnWords = leansOnWords });
        for (var i = 0; i < 2; i++)
        {
            using var response = await server.AskAsync();
            Assert.Equal(200, (int)response.StatusCode);
        }
        Assert.Equal(counted, await server.MetricAsync("escalation_leant_on_words_total"));
    }

    [Fact]
    public async Task Who_hangs_up_while_waiting_leaves_the_queue_and_is_never_computed()
    {
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model, OneByOne);
        var first = server.AskAsync();
        await TestServer.Until(() => model.Batches.Count == 1);
        using var hangUp = new CancellationTokenSource();
        var second = server.AskUntilAsync(hangUp.Token);
        await TestServer.Until(async () => await server.MetricAsync("escalation_queue_length") == 1);

        hangUp.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        await TestServer.Until(async () => await server.MetricAsync("escalation_queue_length") == 0);
        await TestServer.Until(() => server.Queue.Places == 1);
        model.Release();
        (await first).Dispose();
        Assert.Single(model.Batches);
        Assert.Equal(1, await server.MetricAsync("escalation_requests_total{outcome=\"disconnected\"}"));
    }

    [Fact]
    public async Task Who_hangs_up_while_being_answered_stops_the_work_and_not_that_of_the_neighbours()
    {
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model, TestServer.Options with { Queue = new QueueOptions { Batch = 2, WindowMilliseconds = 0 } });
        var first = server.AskAsync();
        await TestServer.Until(() => model.Batches.Count == 1);
        using var hangUp = new CancellationTokenSource();
        var (leaves, stays) = (server.AskUntilAsync(hangUp.Token), server.AskAsync());
        await TestServer.Until(async () => await server.MetricAsync("escalation_queue_length") == 2);
        model.Release(4);
        (await first).Dispose();
        await TestServer.Until(() => model.Batches.Count == 2);

        hangUp.Cancel();
        await TestServer.Until(() => server.Queue.Places == 1);
        model.Release();
        Assert.Equal(200, (int)(await stays).StatusCode);
        await TestServer.Until(() => model.Stopped == 1);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves);
    }

    [Fact]
    public async Task The_deadline_header_ends_the_wait_and_the_work()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model, OneByOne, time);
        var computed = server.AskAsync(headers: ("X-Request-Deadline-Ms", "1500"));
        await TestServer.Until(() => model.Batches.Count == 1);
        // Ends first: a question that waits when the work ends may be begun before the clock comes to it.
        var waiting = server.AskAsync(headers: ("X-Request-Deadline-Ms", "1400"));
        await TestServer.Until(async () => await server.MetricAsync("escalation_queue_length") == 1);

        time.Advance(TimeSpan.FromMilliseconds(1399));
        Assert.False(computed.IsCompleted || waiting.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await ExceededAsync(waiting);
        Assert.False(computed.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(100));
        await ExceededAsync(computed);
        await TestServer.Until(() => model.Stopped == 1);
        Assert.Single(model.Batches);

        static async Task ExceededAsync(Task<HttpResponseMessage> asked)
        {
            using var response = await asked;
            Assert.Equal("deadline_exceeded", await TestServer.ErrorCodeAsync(response, 504));
            Assert.Equal(["false"], response.Headers.GetValues("x-should-retry"));
        }
    }

    [Fact]
    public async Task Without_the_header_the_servers_own_deadline_holds_and_a_longer_one_does_not_extend_it()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model, OneByOne with { Limits = new LimitOptions { DeadlineSeconds = 10 } }, time);
        var (usual, longer) = (server.AskAsync(), server.AskAsync(headers: ("X-Request-Deadline-Ms", "99999999")));
        await TestServer.Until(() => model.Batches.Count == 1);
        await TestServer.Until(async () => await server.MetricAsync("escalation_queue_length") == 1);
        time.Advance(TimeSpan.FromSeconds(10));
        foreach (var response in await Task.WhenAll(usual, longer)) Assert.Equal("deadline_exceeded", await TestServer.ErrorCodeAsync(response, 504));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("soon")]
    public async Task A_deadline_that_is_none_is_refused(string value)
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        using var response = await server.AskAsync(headers: ("X-Request-Deadline-Ms", value));
        Assert.Equal("invalid_request", await TestServer.ErrorCodeAsync(response, 400));
    }

    [Fact]
    public void The_wait_is_what_the_batches_so_far_took()
    {
        var rate = new ServiceRate();
        Assert.Equal(TimeSpan.Zero, rate.Wait(100));
        Assert.Equal(TimeSpan.FromSeconds(1), rate.RetryAfter(100));
        rate.Observe(4, TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.FromSeconds(5), rate.Wait(10));
        Assert.Equal(TimeSpan.FromSeconds(5), rate.RetryAfter(10));
        Assert.Equal(TimeSpan.FromMinutes(1), rate.RetryAfter(1000));
        for (var i = 0; i < 100; i++) rate.Observe(1, TimeSpan.FromSeconds(1));
        Assert.Equal(1, rate.Wait(1).TotalSeconds, 1e-6);
    }

    [Fact]
    public void A_deadline_shorter_than_the_wait_is_refused_at_once_and_takes_no_place()
    {
        var queue = new SolveQueue(new QueueOptions(), Around(TimeProvider.System));
        queue.Rate.Observe(1, TimeSpan.FromSeconds(3));
        using (queue.Enter(TimeSpan.FromSeconds(1))) Assert.Equal(1, queue.Places);
        queue.Add(new SolveJob(new ChatRequest("q x", Requests.Picture, new ChatSettings()), TimeProvider.System));
        var e = Assert.Throws<ApiException>(() => queue.Enter(TimeSpan.FromSeconds(1)));
        Assert.Equal((ErrorReason.DeadlineTooShort, TimeSpan.FromSeconds(3)), (e.Reason, e.RetryAfter!.Value));
        Assert.Equal(0, queue.Places);
        queue.Enter(TimeSpan.FromSeconds(4)).Dispose();
    }

    [Fact]
    public async Task A_batch_waits_within_its_window_for_those_on_their_way()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var queue = new SolveQueue(new QueueOptions { Batch = 3, WindowMilliseconds = 5 }, Around(time));
        SolveJob Job() => new(new ChatRequest("q x", Requests.Picture, new ChatSettings()), time);
        using var here = queue.Enter(TimeSpan.FromMinutes(1));
        using var onItsWay = queue.Expect();
        queue.Add(Job());

        var full = queue.TakeAsync(TestContext.Current.CancellationToken);
        Assert.False(full.IsCompleted);
        queue.Add(Job());
        Assert.Equal(2, (await full).Count);

        queue.Add(Job());
        var late = queue.TakeAsync(TestContext.Current.CancellationToken);
        Assert.False(late.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Single(await late);

        onItsWay.Dispose();
        queue.Add(Job());
        Assert.Single(await queue.TakeAsync(TestContext.Current.CancellationToken));
    }

    private static Instruments Around(TimeProvider time) => new(new ServerMetrics(), time, NullLoggerFactory.Instance);
}

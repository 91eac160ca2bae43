using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Escalations;

namespace Vlm.Edge.Tests.Escalations;

public sealed class WorkerTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly ConcurrentQueue<EscalationCompleted> _completed = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Everything_queued_is_answered_in_order_with_no_more_at_once_than_the_cap()
    {
        await using var endpoint = await ScriptedEndpoint.Start(async (context, seen) =>
        {
            await Task.Delay(20, context.RequestAborted);
            await ScriptedEndpoint.Right(context, seen);
        });
        using var bench = new Bench(Options(endpoint.Url));
        using var queueOpen = bench.Open(out var queue);
        Fill(queue, 12);

        await Drained(bench, queue);

        Assert.Equal(12, _completed.Select(end => end.Escalation.Id).Distinct().Count());
        Assert.All(_completed, end => Assert.IsType<EscalationResult.Answered>(end.Result));
        Assert.Equal(12, endpoint.Requests.Select(request => request.Key).Distinct().Count());
        Assert.Equal(2, endpoint.MostAtOnce);
    }

    [Fact]
    public async Task What_the_endpoint_cannot_answer_becomes_a_dead_letter_and_is_told()
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => ScriptedEndpoint.Says(context, "no idea"));
        using var bench = new Bench(Options(endpoint.Url));
        using var queueOpen = bench.Open(out var queue);
        Fill(queue, 2);

        await Drained(bench, queue);

        Assert.Equal(2, queue.Stats().Dead);
        Assert.All(_completed, end => Assert.Equal(EscalationFailure.BadAnswer, Assert.IsType<EscalationResult.Failed>(end.Result).Reason));
        Assert.Equal(2, endpoint.Requests.Count);
    }

    [Fact]
    public async Task An_endpoint_that_keeps_failing_makes_a_dead_letter_after_the_allowed_attempts()
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(501);
        using var bench = new Bench(Options(endpoint.Url) with
        {
            BreakerMinimum = 100,
            Worker = new WorkerOptions { PauseSeconds = 0.01, LongestPauseSeconds = 0.02, MaxAttempts = 3 }
        });
        using var queueOpen = bench.Open(out var queue);
        Fill(queue, 1);

        await Drained(bench, queue);

        Assert.Equal((3, 1), (endpoint.Requests.Count, queue.Stats().Dead));
    }

    [Fact]
    public async Task A_wrong_key_loses_nothing()
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(401, 401, 401, 401, 401, 401, 401, 200);
        using var bench = new Bench(Options(endpoint.Url) with { Worker = new WorkerOptions { PauseSeconds = 0.01, LongestPauseSeconds = 0.02 } });
        using var queueOpen = bench.Open(out var queue);
        Fill(queue, 1);

        await Drained(bench, queue);

        Assert.Equal((8, 0), (endpoint.Requests.Count, queue.Stats().Dead));
        Assert.IsType<EscalationResult.Answered>(Assert.Single(_completed).Result);
    }

    [Fact]
    public async Task An_hour_offline_costs_few_attempts_and_ends_without_a_storm()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        using var silent = ScriptedEndpoint.SilentPort(out var port);
        using var bench = new Bench(Bench.Patient(Options($"http://127.0.0.1:{port}/v1"), parallel: 4), time);
        using var queueOpen = bench.Open(out var queue);
        Fill(queue, 40);
        var attempts = 0;
        using var counter = bench.CountAttempts(() => Interlocked.Increment(ref attempts));
        using var worker = bench.Worker(queue, Note);
        await worker.StartAsync(TestContext.Current.CancellationToken);

        var start = time.GetUtcNow();
        await ClientTests.Advance(time, () => time.GetUtcNow() - start >= TimeSpan.FromHours(1), TimeSpan.FromSeconds(1));
        var whileOffline = attempts;
        Assert.InRange(whileOffline, 4, 120);
        Assert.Equal(40, queue.Stats().Waiting);

        silent.Close();
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right, port, null, false);
        await ClientTests.Advance(time, () => queue.Stats().Waiting == 0, TimeSpan.FromSeconds(1));
        await worker.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(40, _completed.Count);
        Assert.Equal(40, endpoint.Requests.Select(request => request.Key).Distinct().Count());
        Assert.InRange(endpoint.MostAtOnce, 1, 4);
        Assert.InRange(endpoint.Requests.Count, 40, 44);
    }

    [Fact]
    public async Task The_endpoint_is_left_alone_as_long_as_it_asks_for_up_to_the_longest_pause()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var endpoint = await ScriptedEndpoint.Start((context, seen) =>
        {
            if (seen.Number > 2) return ScriptedEndpoint.Right(context, seen);
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = seen.Number == 1 ? "200" : "3600";
            return Task.CompletedTask;
        });
        using var bench = new Bench(Bench.Patient(Options(endpoint.Url), parallel: 2), time);
        using var queueOpen = bench.Open(out var queue);
        Fill(queue, 1);
        using var worker = bench.Worker(queue, Note);
        var start = time.GetUtcNow();
        await worker.StartAsync(TestContext.Current.CancellationToken);
        await ClientTests.Until(() => endpoint.Requests.Count == 1);

        await ClientTests.Advance(time, () => endpoint.Requests.Count == 2, TimeSpan.FromSeconds(1));
        Assert.InRange((time.GetUtcNow() - start).TotalSeconds, 200, 290);

        start = time.GetUtcNow();
        await ClientTests.Advance(time, () => endpoint.Requests.Count == 3, TimeSpan.FromSeconds(1));
        Assert.InRange((time.GetUtcNow() - start).TotalSeconds, 300, 400);
        await ClientTests.Until(() => queue.Stats().Waiting == 0);
        await worker.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Another_endpoint_from_now_on_ends_the_pause_that_the_one_before_made_necessary()
    {
        await using var refuses = await ScriptedEndpoint.OfStatuses(401);
        await using var answers = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        using var bench = new Bench(Options(refuses.Url) with { Worker = new WorkerOptions { PauseSeconds = 600, LongestPauseSeconds = 600 } });
        using var queueOpen = bench.Open(out var queue);
        Fill(queue, 1);
        using var meters = new EscalationMeters();
        using var worker = bench.Worker(queue, Note);
        await worker.StartAsync(TestContext.Current.CancellationToken);
        await ClientTests.Until(() => refuses.Requests.Count == 1);

        // Again and again: the pause may not have begun yet.
        await ClientTests.Until(() =>
        {
            bench.Paid().Exchange(new EscalationClient(Bench.For(answers.Url), Bench.Around(meters, TimeProvider.System)));
            return queue.Stats().Waiting == 0;
        });
        await worker.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal((1, 1), (refuses.Requests.Count, answers.Requests.Count));
        Assert.IsType<EscalationResult.Answered>(Assert.Single(_completed).Result);
    }

    [Fact]
    public async Task An_answer_to_a_waiting_client_ends_the_pause()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var endpoint = await ScriptedEndpoint.Start((context, seen) =>
        {
            if (seen.Number > 1) return ScriptedEndpoint.Right(context, seen);
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "3600";
            return Task.CompletedTask;
        });
        using var bench = new Bench(Bench.Patient(Options(endpoint.Url), parallel: 2), time);
        using var queueOpen = bench.Open(out var queue);
        Fill(queue, 5);
        using var worker = bench.Worker(queue, Note);
        queue.Lease(4);
        await worker.StartAsync(TestContext.Current.CancellationToken);
        await ClientTests.Until(() => endpoint.Requests.Count == 1);

        // No time passes: what ends the pause is the answer alone. It is asked for until the pause has begun.
        for (var i = 0; i < 1000 && queue.Stats().Waiting != 4; i++)
        {
            await bench.Paid().AskAsync(Bench.Question($"waits-{Guid.NewGuid():N}"), TimeSpan.FromSeconds(100), TestContext.Current.CancellationToken);
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
        Assert.Equal(4, queue.Stats().Waiting);
        await worker.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_listener_that_fails_does_not_stop_the_queue()
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(200);
        using var bench = new Bench(Options(endpoint.Url));
        using var queueOpen = bench.Open(out var queue);
        Fill(queue, 3);
        using var worker = bench.Worker(queue, _ => throw new InvalidOperationException("as scripted"));

        await worker.StartAsync(TestContext.Current.CancellationToken);
        await ClientTests.Until(() => queue.Stats().Waiting == 0);
        await worker.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(3, endpoint.Requests.Count);
    }

    private EscalationOptions Options(string url) => Bench.For(url) with { Queue = new QueueOptions { Folder = _files.File("queue") } };

    private async Task Drained(Bench bench, EscalationQueue queue)
    {
        using var worker = bench.Worker(queue, Note);
        await worker.StartAsync(TestContext.Current.CancellationToken);
        await ClientTests.Until(() => queue.Stats().Waiting == 0);
        await worker.StopAsync(TestContext.Current.CancellationToken);
    }

    private void Note(EscalationCompleted end) => _completed.Enqueue(end);

    private static void Fill(EscalationQueue queue, int count)
    {
        for (var i = 0; i < count; i++) Assert.IsType<EnqueueResult.Accepted>(queue.TryEnqueue(Bench.Question($"question-{i}")));
    }
}

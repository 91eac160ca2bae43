using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Escalations;

namespace Vlm.Edge.Tests.Escalations;

public sealed class ClientTests
{
    [Fact]
    public async Task An_endpoint_that_is_overloaded_once_answers_the_repetition_under_the_same_key()
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(503, 200);
        using var bench = new Bench(Bench.For(endpoint.Url));

        var answered = await bench.Answers();

        Assert.Equal(("cat dog", "larger", 2), (answered.Answer, answered.Model, answered.Attempts));
        var seen = endpoint.Requests.ToArray();
        Assert.Equal(2, seen.Length);
        Assert.All(seen, request => Assert.Equal(("question-1", "question-1"), (request.Key, request.RequestId)));
        Assert.Equal(seen[0].Body, seen[1].Body);
        Assert.Equal(seen.Sum(request => request.Body.Length), answered.BytesSent);
        Assert.InRange(int.Parse(seen[0].Deadline, provider: null), 1, 20_000);
    }

    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task What_other_calls_may_not_meet_is_repeated_once_and_never_more(int status)
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(status);
        using var bench = new Bench(Bench.For(endpoint.Url));

        var failed = await bench.Fails();

        Assert.Equal((2, 2, (int?)status), (endpoint.Requests.Count, failed.Attempts, failed.Status));
    }

    [Theory]
    [InlineData(400, "Rejected")]
    [InlineData(401, "Rejected")]
    [InlineData(403, "Rejected")]
    [InlineData(404, "Rejected")]
    [InlineData(409, "Overloaded")]
    [InlineData(413, "TooLarge")]
    [InlineData(422, "Rejected")]
    [InlineData(501, "ServerError")]
    [InlineData(307, "BadAnswer")]
    public async Task What_the_same_request_meets_again_is_not_repeated(int status, string reason)
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(status);
        using var bench = new Bench(Bench.For(endpoint.Url));

        var failed = await bench.Fails();

        Assert.Equal((1, reason), (endpoint.Requests.Count, failed.Reason.ToString()));
        Assert.Contains("as scripted", failed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Three_endpoints_that_all_fail_see_two_attempts_together()
    {
        await using var first = await ScriptedEndpoint.OfStatuses(503);
        await using var second = await ScriptedEndpoint.OfStatuses(503);
        await using var third = await ScriptedEndpoint.OfStatuses(503);
        using var bench = new Bench(Bench.For(first.Url, second.Url, third.Url));

        var failed = await bench.Fails();

        Assert.Equal(2, failed.Attempts);
        Assert.Equal([1, 1, 0], new[] { first, second, third }.Select(endpoint => endpoint.Requests.Count));
    }

    [Fact]
    public async Task An_answer_that_cannot_be_right_is_asked_for_at_the_next_endpoint()
    {
        await using var wrong = await ScriptedEndpoint.Start((context, _) => ScriptedEndpoint.Says(context, ScriptedEndpoint.Reply("cat dogs")));
        await using var right = await ScriptedEndpoint.OfStatuses(200);
        using var bench = new Bench(Bench.For(wrong.Url, right.Url));

        var answered = await bench.Answers();

        Assert.Equal(("cat dog", 2), (answered.Answer, answered.Attempts));
    }

    [Fact]
    public async Task A_wait_that_the_endpoint_names_in_seconds_and_that_fits_the_deadline_is_kept()
    {
        var time = new FakeTimeProvider();
        await using var endpoint = await OverloadedOnce(() => "7");
        using var bench = new Bench(Bench.Patient(Bench.For(endpoint.Url), parallel: 2), time);
        var start = time.GetUtcNow();

        var answer = bench.Answers(300);
        await Until(() => endpoint.Requests.Count == 1);
        await Advance(time, () => endpoint.Requests.Count == 2, TimeSpan.FromMilliseconds(100));

        Assert.Equal(2, (await answer).Attempts);
        Assert.True(time.GetUtcNow() - start >= TimeSpan.FromSeconds(7));
    }

    [Fact]
    public async Task A_wait_that_the_endpoint_names_as_a_date_is_kept()
    {
        var time = new FakeTimeProvider();
        var until = time.GetUtcNow().AddSeconds(9);
        await using var endpoint = await OverloadedOnce(() => until.ToString("R"));
        using var bench = new Bench(Bench.Patient(Bench.For(endpoint.Url), parallel: 2), time);

        var answer = bench.Answers(300);
        await Until(() => endpoint.Requests.Count == 1);
        await Advance(time, () => endpoint.Requests.Count == 2, TimeSpan.FromMilliseconds(100));

        Assert.Equal(2, (await answer).Attempts);
        Assert.True(time.GetUtcNow() >= until);
    }

    [Fact]
    public async Task A_wait_beyond_the_deadline_fails_at_once_and_is_passed_on()
    {
        await using var endpoint = await OverloadedOnce(() => "3600");
        using var bench = new Bench(Bench.For(endpoint.Url));

        var failed = await bench.Fails(deadlineSeconds: 10);

        Assert.Equal((EscalationFailure.Overloaded, 1, (TimeSpan?)TimeSpan.FromHours(1)), (failed.Reason, failed.Attempts, failed.RetryAfter));
    }

    [Fact]
    public async Task A_model_that_takes_twelve_seconds_is_waited_for_and_asked_once()
    {
        var time = new FakeTimeProvider();
        var isWorking = false;
        await using var endpoint = await ScriptedEndpoint.Start(async (context, seen) =>
        {
            var work = Task.Delay(TimeSpan.FromSeconds(12), time, context.RequestAborted);
            isWorking = true;
            await work;
            await ScriptedEndpoint.Right(context, seen);
        });
        using var bench = new Bench(Bench.For(endpoint.Url), time);

        var answer = bench.Answers(45);
        await Until(() => isWorking);
        for (var second = 0; second < 12; second++) time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(1, (await answer).Attempts);
        Assert.Single(endpoint.Requests);
    }

    [Fact]
    public async Task An_endpoint_slower_than_the_attempt_timeout_is_asked_once()
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => Task.Delay(TimeSpan.FromSeconds(12), context.RequestAborted));
        using var bench = new Bench(Bench.For(endpoint.Url) with { AttemptTimeoutSeconds = 0.2, ConnectTimeoutSeconds = 0.2 });

        var failed = await bench.Fails();

        Assert.Equal((EscalationFailure.Timeout, 1, 1), (failed.Reason, failed.Attempts, endpoint.Requests.Count));
    }

    [Fact]
    public async Task The_deadline_ends_an_attempt()
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => Task.Delay(TimeSpan.FromSeconds(12), context.RequestAborted));
        using var bench = new Bench(Bench.For(endpoint.Url));

        var failed = await bench.Fails(deadlineSeconds: 0.3);

        Assert.Equal((EscalationFailure.Timeout, 1), (failed.Reason, failed.Attempts));
    }

    [Fact]
    public async Task A_caller_that_leaves_ends_its_call_and_speaks_against_nobody()
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => Task.Delay(TimeSpan.FromSeconds(12), context.RequestAborted));
        using var bench = new Bench(Bench.For(endpoint.Url));

        for (var i = 0; i < 6; i++)
        {
            using var leaving = new CancellationTokenSource();
            var call = bench.Client.AskAsync(Bench.Question(), TimeSpan.FromSeconds(20), leaving.Token);
            await Until(() => endpoint.Requests.Count == i + 1);
            await leaving.CancelAsync();
            Assert.Equal(EscalationFailure.Cancelled, Assert.IsType<EscalationResult.Failed>(await call).Reason);
        }

        Assert.False(bench.Client.IsBroken);
    }

    [Fact]
    public async Task A_call_without_a_place_is_turned_away_without_an_attempt()
    {
        var release = new TaskCompletionSource();
        await using var endpoint = await ScriptedEndpoint.Start(async (context, seen) =>
        {
            await release.Task;
            await ScriptedEndpoint.Right(context, seen);
        });
        using var bench = new Bench(Bench.For(endpoint.Url) with { Concurrency = 1, Waiting = 1 });

        var first = bench.Ask();
        await Until(() => !endpoint.Requests.IsEmpty);
        var second = bench.Ask(0.2);
        var third = await bench.Fails();

        Assert.Equal((EscalationFailure.Overloaded, 0), (third.Reason, third.Attempts));
        // Waiting for a place counts against the deadline.
        Assert.Equal((EscalationFailure.Timeout, 0), Assert.IsType<EscalationResult.Failed>(await second) is var late ? (late.Reason, late.Attempts) : default);
        release.SetResult();
        Assert.IsType<EscalationResult.Answered>(await first);
    }

    [Fact]
    public async Task Repetitions_end_when_the_budget_is_spent()
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(503);
        using var bench = new Bench(Bench.For(endpoint.Url) with { RetryBurst = 1, RetryRatio = 0, RetriesPerMinute = 0, BreakerMinimum = 100 });

        Assert.Equal((EscalationFailure.Overloaded, 2), await bench.Fails() is var first ? (first.Reason, first.Attempts) : default);
        Assert.Equal((EscalationFailure.RetryBudget, 1), await bench.Fails() is var second ? (second.Reason, second.Attempts) : default);
    }

    [Fact]
    public void The_budget_gains_with_calls_and_with_time()
    {
        var time = new FakeTimeProvider();
        var budget = new RetryBudget(new EscalationOptions { RetryBurst = 2, RetryRatio = 0.5, RetriesPerMinute = 1 }, time);
        Assert.True(budget.TryTake() && budget.TryTake());
        Assert.False(budget.TryTake());
        budget.Call();
        Assert.False(budget.TryTake());
        budget.Call();
        Assert.True(budget.TryTake());
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(budget.TryTake());
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(2, budget.Tokens);
    }

    [Fact]
    public async Task The_breaker_opens_at_an_edge_boxs_rates_lets_one_through_after_its_break_and_closes()
    {
        var time = new FakeTimeProvider();
        await using var endpoint = await ScriptedEndpoint.OfStatuses(501, 501, 501, 501, 501, 501, 200);
        using var bench = new Bench(Bench.For(endpoint.Url), time);

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(EscalationFailure.ServerError, (await bench.Fails()).Reason);
            time.Advance(TimeSpan.FromSeconds(10));
        }

        var open = await bench.Fails();
        Assert.Equal((EscalationFailure.BreakerOpen, 0, 5), (open.Reason, open.Attempts, endpoint.Requests.Count));
        Assert.InRange(open.RetryAfter!.Value.TotalSeconds, 0.1, 20);
        Assert.True(bench.Client.IsBroken);

        // Half open: one attempt, which fails, so that it opens again.
        time.Advance(TimeSpan.FromSeconds(21));
        Assert.Equal(EscalationFailure.ServerError, (await bench.Fails()).Reason);
        Assert.Equal(EscalationFailure.BreakerOpen, (await bench.Fails()).Reason);

        time.Advance(TimeSpan.FromSeconds(21));
        await bench.Answers();
        await bench.Answers();
        Assert.False(bench.Client.IsBroken);
    }

    [Fact]
    public async Task An_endpoint_whose_breaker_is_open_is_passed_over_without_an_attempt()
    {
        await using var down = await ScriptedEndpoint.OfStatuses(501);
        await using var well = await ScriptedEndpoint.OfStatuses(200);
        using var bench = new Bench(Bench.For(down.Url, well.Url));

        for (var i = 0; i < 5; i++) Assert.Equal(2, (await bench.Answers()).Attempts);
        Assert.Equal(1, (await bench.Answers()).Attempts);
        Assert.Equal((5, 6), (down.Requests.Count, well.Requests.Count));
    }

    [Fact]
    public async Task A_request_above_an_endpoints_body_limit_is_not_sent_to_it()
    {
        await using var small = await ScriptedEndpoint.OfStatuses(200);
        using var bench = new Bench(new EscalationOptions { Endpoints = [new EndpointOptions { Url = small.Url, BodyLimitBytes = 1024 }] });

        var failed = Assert.IsType<EscalationResult.Failed>(await bench.Ask(question: Bench.Question() with { Picture = new byte[2000] }));

        Assert.Equal((EscalationFailure.TooLarge, 0, 0), (failed.Reason, failed.Attempts, small.Requests.Count));
    }

    [Fact]
    public async Task The_key_is_read_from_its_file_at_every_request()
    {
        using var files = new TestFiles();
        var key = files.File("key");
        await File.WriteAllTextAsync(key, "first\n", TestContext.Current.CancellationToken);
        await using var endpoint = await ScriptedEndpoint.OfStatuses(200);
        using var bench = new Bench(new EscalationOptions { Endpoints = [new EndpointOptions { Url = endpoint.Url, ApiKeyFile = key }] });

        await bench.Answers();
        await File.WriteAllTextAsync(key, "second", TestContext.Current.CancellationToken);
        await bench.Answers();

        Assert.Equal(["Bearer first", "Bearer second"], endpoint.Requests.Select(request => request.Authorization));
    }

    private static Task<ScriptedEndpoint> OverloadedOnce(Func<string> wait) => ScriptedEndpoint.Start((context, seen) =>
    {
        if (seen.Number > 1) return ScriptedEndpoint.Right(context, seen);
        context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        context.Response.Headers.RetryAfter = wait();
        return Task.CompletedTask;
    });

    /// <summary>Lets the clock run, slowly compared with the requests that are under way.</summary>
    internal static async Task Advance(FakeTimeProvider time, Func<bool> isReached, TimeSpan step)
    {
        for (var i = 0; i < 20_000 && !isReached(); i++)
        {
            time.Advance(step);
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        Assert.True(isReached());
    }

    internal static async Task Until(Func<bool> isReached)
    {
        for (var i = 0; i < 30_000 && !isReached(); i++) await Task.Delay(1, TestContext.Current.CancellationToken);
        Assert.True(isReached());
    }
}

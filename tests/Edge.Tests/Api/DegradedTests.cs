using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Api;

/// <summary>Never silently: whatever keeps the larger model's answer away, the response says that the answer is degraded, and why.</summary>
public sealed class DegradedTests
{
    private const double Unsure = 0.5;

    // Every reason has its test below.
    private static readonly Dictionary<DegradedReason, string> Tests = new()
    {
        [DegradedReason.LocalOnly] = nameof(Local_only_is_said),
        [DegradedReason.NoDecoder] = nameof(A_picture_without_a_decoder_is_said_and_not_sent),
        [DegradedReason.Queued] = nameof(An_answer_that_waits_for_its_correction_says_so),
        [DegradedReason.QueueFull] = nameof(A_full_queue_is_said),
        [DegradedReason.Offline] = nameof(A_missing_connection_is_said_and_the_question_waits_for_the_network),
        [DegradedReason.Budget] = nameof(A_spent_budget_is_said),
        [DegradedReason.BreakerOpen] = nameof(An_open_breaker_is_said),
        [DegradedReason.Deadline] = nameof(A_deadline_that_passes_is_said),
        [DegradedReason.Rejected] = nameof(What_the_endpoint_does_is_said),
        [DegradedReason.Overloaded] = nameof(What_the_endpoint_does_is_said),
        [DegradedReason.ServerError] = nameof(What_the_endpoint_does_is_said),
        [DegradedReason.BadAnswer] = nameof(A_bad_answer_is_said),
    };

    [Fact]
    public void Every_reason_has_a_test() => Assert.Equal(Enum.GetValues<DegradedReason>(), Tests.Keys.Order());

    [Fact]
    public async Task Local_only_is_said()
    {
        await using var gated = await ServeRig.Start(Unsure, null);
        await using var without = await ServeRig.Start(null, null);

        var unsure = Degraded(await gated.Solve(), "local_only");
        Assert.Equal(0.5, unsure.GetProperty("confidence").GetDouble(), 1e-9);
        var uncertified = Degraded(await without.Solve(), "local_only");
        Assert.Equal(JsonValueKind.Null, uncertified.GetProperty("confidence").ValueKind);
        Assert.Contains("no gate", uncertified.GetProperty("degraded_detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_picture_without_a_decoder_is_said_and_not_sent()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url, reply: ServeRig.SeesNothing);

        var answer = await rig.Solve();

        Assert.Equal(("no_decoder", "no_decoder"), (answer.GetProperty("status").GetString(), answer.GetProperty("degraded_reason").GetString()));
        Assert.Contains("no decoder", answer.GetProperty("degraded_detail").GetString(), StringComparison.Ordinal);
        Assert.Empty(endpoint.Requests);
    }

    [Fact]
    public async Task An_answer_that_waits_for_its_correction_says_so()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url);

        var answer = Degraded(await rig.Solve(ServeRig.OtherCode, "answer-now"), "queued");

        Assert.Equal(answer.GetProperty("id").GetString(), answer.GetProperty("correction_id").GetString());
        Assert.Equal("low_confidence", answer.GetProperty("escalation_reason").GetString());
    }

    [Fact]
    public async Task A_full_queue_is_said()
    {
        await using var rig = await ServeRig.Start(Unsure, Nowhere(), config => config with
        {
            Escalation = config.Escalation! with { Queue = config.Escalation.Queue with { MaxCount = 1 }, Worker = new WorkerOptions { PauseSeconds = 100 } },
        });

        Degraded(await rig.Solve(ServeRig.Code, "answer-now"), "queued");
        var full = Degraded(await rig.Solve(ServeRig.OtherCode, "answer-now"), "queue_full");
        Assert.Equal(JsonValueKind.Null, full.GetProperty("correction_id").ValueKind);
    }

    [Fact]
    public async Task A_missing_connection_is_said_and_the_question_waits_for_the_network()
    {
        await using var rig = await ServeRig.Start(Unsure, Nowhere(), config =>
            config with { Escalation = config.Escalation! with { Worker = new WorkerOptions { PauseSeconds = 100 } } });

        var first = Degraded(await rig.Solve(), "offline");
        // The second one does not wait to find out again, nor is it queued again: it is the same question.
        var second = Degraded(await rig.Solve(), "offline");

        Assert.Equal(first.GetProperty("id").GetString(), second.GetProperty("correction_id").GetString());
        Assert.Equal(1, (await rig.Get("/api/v1/state")).GetProperty("queue").GetProperty("waiting").GetInt32());
    }

    [Fact]
    public async Task A_spent_budget_is_said()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url, config => config with { Budget = new BudgetOptions { CallsPerDay = 1 } });

        Assert.False((await rig.Solve()).GetProperty("degraded").GetBoolean());
        var spent = Degraded(await rig.Solve(ServeRig.OtherCode), "budget");

        Assert.Contains("calls of the day", spent.GetProperty("degraded_detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(spent.GetProperty("id").GetString(), spent.GetProperty("correction_id").GetString());
        // What waits is paid from the same budget.
        await rig.Until("/api/v1/state", state => state.GetProperty("queue").GetProperty("waiting").GetInt32() == 1);
        Assert.Single(endpoint.Requests);
    }

    [Fact]
    public async Task An_open_breaker_is_said()
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(501);
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url, config => config with
        {
            Escalation = config.Escalation! with { BreakerMinimum = 2, BreakerRatio = 0.1, Worker = new WorkerOptions { PauseSeconds = 100 } },
        });
        string[] codes = [ServeRig.Code, ServeRig.OtherCode, "a b c _ d e f", "b a c _ d e f", "c b a _ d e f", "d b a _ c e f"];

        var reasons = new List<string?>();
        foreach (var code in codes) reasons.Add((await rig.Solve(code)).GetProperty("degraded_reason").GetString());

        Assert.Equal("server_error", reasons[0]);
        Degraded(await rig.Solve("e b a _ c d f"), "breaker_open");
    }

    [Fact]
    public async Task A_deadline_that_passes_is_said()
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url, config =>
            config with { Routing = config.Routing with { LeastEscalationSeconds = 0.01 } });
        await rig.Solve(mode: "local-only");

        Degraded(await rig.Solve(deadlineMs: 700), "deadline");
    }

    [Theory]
    [InlineData(400, "rejected", false)]
    [InlineData(413, "rejected", false)]
    [InlineData(429, "overloaded", true)]
    [InlineData(503, "overloaded", true)]
    [InlineData(500, "server_error", true)]
    public async Task What_the_endpoint_does_is_said(int status, string reason, bool isAskedAgain)
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(status);
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url, config =>
            config with { Escalation = config.Escalation! with { Worker = new WorkerOptions { PauseSeconds = 100 } } });

        var answer = Degraded(await rig.Solve(), reason);

        Assert.Equal(isAskedAgain, answer.GetProperty("correction_id").ValueKind == JsonValueKind.String);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(404)]
    public async Task A_box_that_is_turned_away_raises_the_alarm_while_clients_wait(int status)
    {
        await using var endpoint = await ScriptedEndpoint.OfStatuses(status);
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url);

        Degraded(await rig.Solve(), "rejected");

        var alarm = (await rig.Get("/api/v1/state")).GetProperty("alarms")[0];
        Assert.Equal("turned_away", alarm.GetProperty("kind").GetString());
        Assert.Contains($"status {status}", alarm.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no reply at all", "stop")]
    [InlineData("<chars> c a</chars>\n</think>\n<answer>ca</answer>", "stop")]
    [InlineData("<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer>", "length")]
    public async Task A_bad_answer_is_said(string content, string finish)
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => ScriptedEndpoint.Says(context, content, finish));
        await using var rig = await ServeRig.Start(Unsure, endpoint.Url);

        Degraded(await rig.Solve(), "bad_answer");
    }

    /// <summary>An address at which nobody listens.</summary>
    private static string Nowhere()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://{listener.LocalEndpoint}/v1";
    }

    private static JsonElement Degraded(JsonElement answer, string reason)
    {
        Assert.Equal(reason, answer.GetProperty("degraded_reason").GetString());
        Assert.True(answer.GetProperty("degraded").GetBoolean());
        Assert.False(answer.GetProperty("certified").GetBoolean());
        Assert.Equal(("cat dog", "edge"), (answer.GetProperty("answer").GetString(), answer.GetProperty("answered_by").GetString()));
        Assert.NotEmpty(answer.GetProperty("degraded_detail").GetString()!);
        return answer;
    }
}

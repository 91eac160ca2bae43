using System.Net;
using System.Net.Sockets;
using Vlm.Cryptogram;
using Vlm.Edge.Answers;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Tests.Api;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Queries;

/// <summary>Decision and effect of every way through the pipeline: what is answered, queued, paid, remembered.</summary>
public sealed class QueryPipelineTests
{
    private const double Sure = 0.99, Unsure = 0.5;

    [Fact]
    public async Task A_confident_answer_is_certified_remembered_and_given_again_and_nothing_leaves_the_box()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = new DaemonRig(Sure, endpoint.Url);

        var (first, again) = (await rig.Answer(rig.Question()), await rig.Answer(rig.Question()));

        Assert.Equal(("cat dog", AnsweredBy.Edge, true, null), (first.Text, first.By, first.IsCertified, first.Degraded));
        Assert.Equal(("cat dog", AnsweredBy.Cache, true), (again.Text, again.By, again.IsCertified));
        Assert.Equal((1, 0, 0, 0), (rig.Daemon.Memory.Count, rig.Queued, rig.Daemon.Budget.Now.Calls, endpoint.Requests.Count));
    }

    [Fact]
    public async Task Answer_now_has_the_question_in_the_queue_before_it_answers_and_the_same_question_only_once()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = new DaemonRig(Unsure, endpoint.Url);

        var first = await rig.Answer(rig.Question(mode: RoutingMode.AnswerNow));
        Assert.Equal((DegradedReason.Queued, first.Id, 1), (first.Degraded, first.CorrectionId, rig.Queued));
        Assert.Contains("in the background", first.DegradedDetail, StringComparison.Ordinal);
        var second = await rig.Answer(rig.Question(mode: RoutingMode.AnswerNow));

        Assert.Equal((first.Id, 1), (second.CorrectionId, rig.Queued));
        Assert.Equal((first.Id, EscalationReason.LowConfidence), (Assert.Single(rig.Daemon.Queue!.Lease(5)).Escalation.Id, second.EscalationReason));
        Assert.Empty(endpoint.Requests);
    }

    [Fact]
    public async Task An_escalated_question_is_paid_once_under_its_own_id_and_its_answer_given_again()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = new DaemonRig(Unsure, endpoint.Url);
        var question = rig.Question(ServeRig.OtherCode);

        var answer = await rig.Answer(question);

        Assert.Equal(("qxr wzp", AnsweredBy.Escalation, EscalationReason.LowConfidence, false),
            (answer.Text, answer.By, answer.EscalationReason, answer.IsCertified));
        Assert.Equal(question.Id, Assert.Single(endpoint.Requests).Key);
        Assert.Equal((1, 0), (rig.Daemon.Budget.Now.Calls, rig.Queued));
        Assert.Equal(AnsweredBy.Cache, (await rig.Answer(rig.Question(ServeRig.OtherCode))).By);
    }

    [Theory]
    [InlineData("qx? ???", "unreadable", AnswerStatus.Unreadable, "rwzp")]
    [InlineData("??? ???", "no_decoder", AnswerStatus.NoDecoder, "qxrwzp")]
    [InlineData("qxr wzp", "no_decoder", AnswerStatus.Answered, "")]
    public async Task What_the_larger_model_did_not_see_is_passed_on(string says, string status, AnswerStatus expected, string unseen)
    {
        await using var endpoint = await ScriptedEndpoint.Start(
            (context, _) => ScriptedEndpoint.Says(context, ScriptedEndpoint.Reply(says), status, unseen));
        await using var rig = new DaemonRig(Unsure, endpoint.Url);

        var answer = await rig.Answer(rig.Question(ServeRig.OtherCode));

        Assert.Equal((says, AnsweredBy.Escalation, expected), (answer.Text, answer.By, answer.Status));
        Assert.Equal(unseen, string.Concat(answer.Unseen));
    }

    [Theory]
    [InlineData("qxr wzp", 0.999, true, true)]
    [InlineData("qxr wzp", 0.4, false, false)]
    [InlineData("qx? wzp", 0.999, true, false)]
    public async Task The_larger_models_answer_is_certain_only_where_its_own_gate_accepts_it(string says, double confidence, bool accepts, bool isCertain)
    {
        await using var endpoint = await ScriptedEndpoint.Start(
            (context, _) => ScriptedEndpoint.Says(context, ScriptedEndpoint.Reply(says), "answered", "", (confidence, accepts)));
        await using var rig = new DaemonRig(Unsure, endpoint.Url);

        var answer = await rig.Answer(rig.Question(ServeRig.OtherCode));

        Assert.Equal((says, AnsweredBy.Escalation, confidence, isCertain), (answer.Text, answer.By, answer.Confidence, answer.IsCertified));
    }

    [Fact]
    public async Task Without_a_connection_the_question_waits_in_the_queue_and_is_not_paid()
    {
        await using var rig = new DaemonRig(Unsure, Nowhere());

        var first = await rig.Answer(rig.Question());
        var second = await rig.Answer(rig.Question("a b c _ d e f"));

        Assert.Equal((DegradedReason.Offline, first.Id), (first.Degraded, first.CorrectionId));
        // The second one knew before it asked.
        Assert.Equal((DegradedReason.Offline, TimeSpan.Zero), (second.Degraded, second.Timings.Escalation));
        Assert.Equal((2, 0), (rig.Queued, rig.Daemon.Budget.Now.Calls));
    }

    [Fact]
    public async Task A_spent_budget_sends_nothing_and_says_what_is_spent()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = new DaemonRig(Unsure, endpoint.Url, config => config with { Budget = new BudgetOptions { BytesPerDay = 10 } });

        var answer = await rig.Answer(rig.Question());

        Assert.Equal((DegradedReason.Budget, "the bytes of the day are spent", 1), (answer.Degraded, answer.DegradedDetail, rig.Queued));
        Assert.Empty(endpoint.Requests);
    }

    [Fact]
    public async Task An_audit_is_queued_beside_the_accepted_answer()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = new DaemonRig(Sure, endpoint.Url, config => config with { Audit = new DriftOptions { Share = 1, ShareNearThreshold = 1 } });

        var answer = await rig.Answer(rig.Question());

        Assert.Equal((AnsweredBy.Edge, true, EscalationReason.Audit, null), (answer.By, answer.IsCertified, answer.EscalationReason, answer.CorrectionId));
        var queued = Assert.Single(rig.Daemon.Queue!.Lease(5)).Escalation;
        Assert.Equal((answer.Id, "cat dog", EscalationReason.Audit), (queued.Id, queued.LocalAnswer, queued.Reason));
    }

    [Fact]
    public async Task A_certificate_that_ended_certifies_nothing_and_its_answers_are_not_given_again()
    {
        await using var rig = new DaemonRig(Sure, null);
        Assert.True((await rig.Answer(rig.Question())).IsCertified);

        while (rig.Daemon.Drift!.IsPromiseKept) rig.Daemon.Drift.Observe(disagrees: true, draw: -1);

        var answer = await rig.Answer(rig.Question());
        Assert.Equal((AnsweredBy.Edge, false), (answer.By, answer.IsCertified));
    }

    [Fact]
    public async Task A_query_for_the_larger_model_does_not_get_the_boxs_own_answer_from_memory()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = new DaemonRig(Sure, endpoint.Url);
        await rig.Answer(rig.Question());

        Assert.Equal((AnsweredBy.Escalation, EscalationReason.Always), await By(rig.Question(mode: RoutingMode.EscalateAll)));
        // The larger model's own answer is good enough.
        Assert.Equal((AnsweredBy.Cache, (EscalationReason?)null), await By(rig.Question(mode: RoutingMode.EscalateAll)));

        async Task<(AnsweredBy, EscalationReason?)> By(Query query) => await rig.Answer(query) is var answer ? (answer.By, answer.EscalationReason) : default;
    }

    [Fact]
    public async Task With_too_little_time_left_nobody_is_asked_and_the_question_is_queued()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        await using var rig = new DaemonRig(Unsure, endpoint.Url, config => config with { Routing = config.Routing with { LeastEscalationSeconds = 25 } });

        var answer = await rig.Answer(rig.Question());

        Assert.Equal((DegradedReason.Deadline, answer.Id), (answer.Degraded, answer.CorrectionId));
        Assert.Empty(endpoint.Requests);
    }

    [Fact]
    public async Task What_cannot_be_answered_is_refused_with_its_reason_and_leaves_nothing()
    {
        await using var rig = new DaemonRig(Sure, null);
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();

        Assert.Equal(RefusalReason.Deadline, await rig.Refusal(rig.Question(deadlineMs: -1), TestContext.Current.CancellationToken));
        Assert.Equal(RefusalReason.Cancelled, await rig.Refusal(rig.Question(), gone.Token));
        Assert.Equal(RefusalReason.Picture, await rig.Refusal(rig.Question(picture: ServeRig.Picture()[..^200]), TestContext.Current.CancellationToken));
        Assert.Equal((0, 0), (rig.Daemon.Memory.Count, rig.Daemon.Model.Waiting));
        Assert.Equal("cat dog", (await rig.Answer(rig.Question())).Text);
    }

    /// <summary>An address at which nobody listens.</summary>
    private static string Nowhere()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://{listener.LocalEndpoint}/v1";
    }
}

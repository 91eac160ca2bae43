using Vlm.Edge.Escalations;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Queries;

public sealed class CorrectionsTests
{
    [Fact]
    public async Task An_answer_in_the_background_is_remembered_and_told_and_a_failure_ends_the_waiting()
    {
        await using var rig = new DaemonRig(0.5, "http://127.0.0.1:9/v1");
        var corrections = new Corrections(rig.Daemon.Memory, rig.Daemon.Events, rig.Daemon.Drift, rig.Daemon.Metrics, rig.Daemon.Alarms);
        var (right, wrong) = (await rig.Answer(rig.Question(mode: RoutingMode.AnswerNow)),
            await rig.Answer(rig.Question("a b c _ d e f", RoutingMode.AnswerNow)));
        using var events = rig.Daemon.Events.Listen(null)!;

        corrections.Take(Ended(right.Id, new EscalationResult.Answered("dog cat", "larger", TimeSpan.Zero, 1, 100)));
        corrections.Take(Ended(wrong.Id, new EscalationResult.Failed(EscalationFailure.BadAnswer, "no idea", null, 1)));

        var (corrected, failed) = (rig.Daemon.Memory.Find(right.Id)!, rig.Daemon.Memory.Find(wrong.Id)!);
        Assert.Equal(("dog cat", false, DateTimeOffset.UnixEpoch), (corrected.Correction!.Text, corrected.Correction.Agrees, corrected.Correction.At));
        Assert.Equal((null, "bad_answer: no idea"), (failed.Correction, failed.Failure));
        Assert.True(events.Events.TryRead(out var first) && first.Event is EdgeEvent.Corrected);
        Assert.True(events.Events.TryRead(out var second) && second.Event is EdgeEvent.NotCorrected);
        // The same question is not told to wait for an answer that will not come.
        var again = await rig.Answer(rig.Question("a b c _ d e f", RoutingMode.AnswerNow));
        Assert.Equal(again.Id, again.CorrectionId);
    }

    [Fact]
    public async Task Audits_count_for_the_gate_and_only_those_that_disagree_are_told()
    {
        await using var rig = new DaemonRig(0.99, "http://127.0.0.1:9/v1", config =>
            config with { Audit = new DriftOptions { Share = 1, ShareNearThreshold = 1 } });
        var corrections = new Corrections(rig.Daemon.Memory, rig.Daemon.Events, rig.Daemon.Drift, rig.Daemon.Metrics, rig.Daemon.Alarms);
        using var events = rig.Daemon.Events.Listen(null)!;

        corrections.Take(Ended("agrees", new EscalationResult.Answered("cot dog", "larger", TimeSpan.Zero, 1, 100), EscalationReason.Audit));
        corrections.Take(Ended("failed", new EscalationResult.Failed(EscalationFailure.BadAnswer, "no idea", null, 1), EscalationReason.Audit));
        Assert.False(events.Events.TryRead(out _));
        Assert.Equal((1L, 0L), (rig.Daemon.Drift!.State.Audits, rig.Daemon.Drift.State.Disagreements));

        for (var i = 0; rig.Daemon.Drift.IsPromiseKept; i++)
            corrections.Take(Ended($"disagrees-{i}", new EscalationResult.Answered("dog cat", "larger", TimeSpan.Zero, 1, 100), EscalationReason.Audit));
        Assert.Equal(AlarmKind.Drift, Assert.Single(rig.Daemon.Alarms.Raised).Kind);
    }

    private static EscalationCompleted Ended(string id, EscalationResult result, EscalationReason why = EscalationReason.LowConfidence) =>
        new(Bench.Question(id) with { Reason = why }, result, DateTimeOffset.UnixEpoch);
}

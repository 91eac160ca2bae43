using Vlm.Edge.Queries;
using Vlm.Edge.Tests.Api;
using Vlm.Engine;

namespace Vlm.Edge.Tests.Queries;

/// <summary>Turns at the model: one at a time, in order, a bounded number waiting; and the end of it all.</summary>
public sealed class LocalModelTests
{
    [Fact]
    public async Task One_question_has_the_model_the_others_wait_in_order_and_one_too_many_is_refused()
    {
        await using var rig = new DaemonRig(0.99, null, config => config with { Server = config.Server with { Queue = 2 } });
        var model = rig.Daemon.Model;
        using var look = await rig.Look();
        var (first, _) = await rig.Turn(look);

        var (second, third) = (rig.Turn(look), rig.Turn(look));
        Assert.Equal(2, model.Waiting);
        Assert.Equal(RefusalReason.Busy, (await rig.Turn(look)).Refusal!.Reason);
        Assert.False(second.IsCompleted);

        first!.Dispose();
        var turn = (await second).Turn!;
        Assert.False(third.IsCompleted);
        Assert.IsType<LocalOutcome.Solved>(await turn.SolveAsync());
        turn.Dispose();
        (await third).Turn!.Dispose();
        Assert.Equal(0, model.Waiting);
    }

    [Fact]
    public async Task A_question_that_is_given_up_leaves_the_queue_at_once()
    {
        await using var rig = new DaemonRig(0.99, null, config => config with { Server = config.Server with { Queue = 1 } });
        using var look = await rig.Look();
        using var turn = (await rig.Turn(look)).Turn;
        using var gone = new CancellationTokenSource();
        var waiting = rig.Daemon.Model.TakeTurnAsync(rig.Question(), look, gone.Token);
        Assert.Equal(1, rig.Daemon.Model.Waiting);

        await gone.CancelAsync();

        Assert.Equal(RefusalReason.Cancelled, (await waiting).Refusal!.Reason);
        Assert.Equal(0, rig.Daemon.Model.Waiting);
    }

    [Fact]
    public async Task A_provider_that_fails_is_an_alarm_of_its_own_in_log_metric_event_and_state()
    {
        await using var rig = new DaemonRig(0.99, null);
        var placement = new Placement(ProviderKind.Cpu, PlacementReason.FailedWhileRunning, "CUDA failed in the middle of a run");

        rig.Solver.Moved!(placement);

        var alarm = Assert.Single(rig.Daemon.Alarms.Raised);
        Assert.Equal((AlarmKind.Provider, placement.ToString()), (alarm.Kind, alarm.Message));
        Assert.Equal(rig.Solver.Placement, rig.Daemon.Model.Placement);
        Assert.False(rig.Daemon.Model.Placement.IsFallback);
    }

    [Fact]
    public async Task At_the_deadline_the_client_is_told_although_another_question_still_has_the_model()
    {
        await using var rig = new DaemonRig(0.99, null);
        using var look = await rig.Look();
        using var turn = (await rig.Turn(look)).Turn;

        Assert.Equal(RefusalReason.Deadline, await rig.Refusal(rig.Question(deadlineMs: 50), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_was_answered_before_is_answered_again_while_another_question_has_the_model()
    {
        await using var rig = new DaemonRig(0.99, null);
        await rig.Answer(rig.Question());
        using var look = await rig.Look();
        using var turn = (await rig.Turn(look)).Turn;

        var answers = await Task.WhenAll(Enumerable.Range(0, 150).Select(_ => rig.Answer(rig.Question())));

        Assert.All(answers, answer => Assert.Equal(Edge.Answers.AnsweredBy.Cache, answer.By));
    }

    [Fact]
    public async Task A_question_whose_turn_would_come_too_late_is_refused_at_once_and_one_that_is_alone_is_tried()
    {
        await using var rig = new DaemonRig(0.99, null);
        using var look = await rig.Look();
        using (var first = (await rig.Turn(look)).Turn!) Assert.IsType<LocalOutcome.Solved>(await first.SolveAsync());
        // No time is left: whatever the wait, it is longer.
        var hurried = rig.Question(deadlineMs: 0.0001);
        (await rig.Daemon.Model.TakeTurnAsync(hurried, look, ServeRig.Stop)).Turn!.Dispose();

        using var turn = (await rig.Turn(look)).Turn;
        var refusal = (await rig.Daemon.Model.TakeTurnAsync(hurried, look, ServeRig.Stop)).Refusal!;

        Assert.Equal(RefusalReason.DeadlineTooShort, refusal.Reason);
        Assert.NotNull(refusal.RetryAfter);
    }

    [Fact]
    public async Task Pixels_are_kept_for_the_turn_within_a_bound_and_given_back()
    {
        using var looks = new Looks();
        var file = Vision.ImageCodec.EncodePng(new Vision.RgbImage(2000, 2000, new byte[2000 * 2000 * 3]));
        var kept = new List<Look>();
        while (kept.Count == 0 || kept[^1].Pixels is not null) kept.Add(await looks.LookAsync(file, TimeProvider.System, ServeRig.Stop));

        Assert.Equal((int)(Looks.MostKept / (2000 * 2000 * 3)) + 1, kept.Count);
        Assert.Equal(2000, looks.Pixels(file, kept[^1], TimeProvider.System).Picture.Width);
        foreach (var look in kept) look.Dispose();
        using var again = await looks.LookAsync(file, TimeProvider.System, ServeRig.Stop);
        Assert.NotNull(again.Pixels);
    }
}

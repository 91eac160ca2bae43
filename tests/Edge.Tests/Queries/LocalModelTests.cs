using Vlm.Edge.Queries;
using Vlm.Edge.Tests.Api;

namespace Vlm.Edge.Tests.Queries;

/// <summary>Turns at the model: one at a time, in order, a bounded number waiting; and the end of it all.</summary>
public sealed class LocalModelTests
{
    [Fact]
    public async Task One_question_has_the_model_the_others_wait_in_order_and_one_too_many_is_refused()
    {
        await using var rig = new DaemonRig(0.99, null, config => config with { Server = config.Server with { Queue = 2 } });
        var model = rig.Daemon.Model;
        var (first, _) = await model.TakeTurnAsync(rig.Question(), ServeRig.Stop);

        var (second, third) = (model.TakeTurnAsync(rig.Question(), ServeRig.Stop), model.TakeTurnAsync(rig.Question(), ServeRig.Stop));
        Assert.Equal(2, model.Waiting);
        Assert.Equal(RefusalReason.Busy, (await model.TakeTurnAsync(rig.Question(), ServeRig.Stop)).Refusal!.Reason);
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
        using var turn = (await rig.Daemon.Model.TakeTurnAsync(rig.Question(), ServeRig.Stop)).Turn;
        using var gone = new CancellationTokenSource();
        var waiting = rig.Daemon.Model.TakeTurnAsync(rig.Question(), gone.Token);
        Assert.Equal(1, rig.Daemon.Model.Waiting);

        await gone.CancelAsync();

        Assert.Equal(RefusalReason.Cancelled, (await waiting).Refusal!.Reason);
        Assert.Equal(0, rig.Daemon.Model.Waiting);
    }

    [Fact]
    public async Task At_the_deadline_the_client_is_told_although_another_question_still_has_the_model()
    {
        await using var rig = new DaemonRig(0.99, null);
        using var turn = (await rig.Daemon.Model.TakeTurnAsync(rig.Question(), ServeRig.Stop)).Turn;

        Assert.Equal(RefusalReason.Deadline, await rig.Refusal(rig.Question(deadlineMs: 50), TestContext.Current.CancellationToken));
    }
}

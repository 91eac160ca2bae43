using Vlm.Edge.Queries;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Api;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Queries;

/// <summary>The end of the daemon: what is under way comes to an end before what it works with is closed.</summary>
public sealed class DaemonTests
{
    [Fact]
    public async Task The_end_waits_for_the_turn_under_way_gives_up_those_who_wait_and_closes_the_queue()
    {
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right);
        var rig = new DaemonRig(0.99, endpoint.Url);
        using var look = await rig.Look();
        var turn = (await rig.Turn(look)).Turn!;
        var waiting = rig.Daemon.Pipeline.AskAsync(rig.Question(), ServeRig.Stop);

        var ended = rig.Daemon.DisposeAsync().AsTask();
        Assert.Equal(RefusalReason.Cancelled, Assert.IsType<QueryOutcome.Refused>(await waiting).Reason);
        Assert.False(ended.IsCompleted);
        // The solver is still there: the question is given up between two tokens, and nothing throws.
        Assert.Equal(RefusalReason.Cancelled, Assert.IsType<LocalOutcome.Refused>(await turn.SolveAsync()).Reason);
        turn.Dispose();
        await ended.WaitAsync(TimeSpan.FromSeconds(20), ServeRig.Stop);

        // It could not be opened while the daemon had it.
        using (var box = Bench.Box(rig.Config.State, TimeProvider.System)) box.Use(DiskUse.Read, _ => true);
        await rig.DisposeAsync();
    }

    [Fact]
    public async Task A_database_that_another_daemon_has_open_is_one_clear_error()
    {
        await using var rig = new DaemonRig(0.99, "http://127.0.0.1:9/v1");

        using var box = Bench.Box(rig.Config.State, TimeProvider.System);
        var error = Assert.Throws<StorageException>(() => new History(box, new HistoryOptions(), TimeProvider.System));

        Assert.Equal(StorageFault.Taken, error.Fault);
        Assert.Contains("is open in another process", error.Message, StringComparison.Ordinal);
    }
}

using Microsoft.Extensions.Logging;
using Vlm.Edge.Escalations;
using Vlm.Edge.Queries;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Api;
using Vlm.Text;

namespace Vlm.Edge.Tests.Queries;

/// <summary>What is wrong is told once, stands until it is over, and then that is told.</summary>
public sealed class AlarmsTests
{
    [Fact]
    public async Task An_alarm_stands_from_the_first_time_on_until_it_is_cleared()
    {
        await using var rig = new DaemonRig(0.9, null);
        using var events = rig.Daemon.Events.Listen(null)!;
        var alarms = rig.Daemon.Alarms;
        alarms.Clear(AlarmKind.State);
        alarms.Raise(AlarmKind.State, "it cannot be written");
        alarms.Raise(AlarmKind.State, "it cannot be written");

        var stands = Assert.Single(alarms.Raised);
        Assert.Equal((AlarmKind.State, 2, true), (stands.Kind, stands.Times, stands.Since <= stands.At));
        alarms.Clear(AlarmKind.State);
        alarms.Clear(AlarmKind.State);

        Assert.Empty(alarms.Raised);
        Assert.True(events.Events.TryRead(out var first) && first.Event is EdgeEvent.Alarm("state", _));
        Assert.True(events.Events.TryRead(out var second) && second.Event is EdgeEvent.AlarmOver("state", _));
        Assert.False(events.Events.TryRead(out _));
    }

    [Fact]
    public async Task Every_kind_is_in_the_state_the_metrics_the_events_and_the_log_until_it_is_over()
    {
        await using var rig = await ServeRig.Start(0.9, null);
        var log = new Lines();
        var alarms = new Alarms(rig.Daemon.Events, rig.Daemon.Metrics, log, TimeProvider.System);
        foreach (var kind in Enum.GetValues<AlarmKind>())
        {
            using var events = rig.Daemon.Events.Listen(null)!;
            var gauge = $"edge_alarm_standing{{kind=\"{kind.ToLabel()}\"}}";
            alarms.Raise(kind, $"what is wrong: {kind}");

            Assert.Equal((kind, $"what is wrong: {kind}"), (Assert.Single(alarms.Raised).Kind, alarms.Raised[0].Message));
            Assert.Contains($"{gauge} 1", await rig.Client.GetStringAsync("/metrics", ServeRig.Stop), StringComparison.Ordinal);
            Assert.True(events.Events.TryRead(out var raised) && raised.Event is EdgeEvent.Alarm(var name, _) && name == kind.ToLabel());
            Assert.Contains(log.Said, line => line.Contains($"what is wrong: {kind}", StringComparison.Ordinal)
                && line.Contains(AlarmAdvice.Of(kind), StringComparison.Ordinal));

            alarms.Clear(kind);
            Assert.Empty(alarms.Raised);
            Assert.Contains($"{gauge} 0", await rig.Client.GetStringAsync("/metrics", ServeRig.Stop), StringComparison.Ordinal);
            Assert.True(events.Events.TryRead(out var over) && over.Event is EdgeEvent.AlarmOver(var ended, _) && ended == kind.ToLabel());
            Assert.Contains($"Over ({kind.ToLabel()})", log.Said[^1], StringComparison.Ordinal);
        }

        rig.Daemon.Alarms.Raise(AlarmKind.State, "it cannot be written");
        var state = (await rig.Get("/api/v1/state")).GetProperty("alarms")[0];
        Assert.Equal(("state", "it cannot be written", AlarmAdvice.Of(AlarmKind.State)),
            (state.GetProperty("kind").GetString(), state.GetProperty("message").GetString(), state.GetProperty("advice").GetString()));
        Assert.True(state.GetProperty("since").GetDateTimeOffset() <= TimeProvider.System.GetUtcNow());
    }

    /// <summary>A log that keeps its lines.</summary>
    private sealed class Lines : ILogger<Alarms>
    {
        public List<string> Said { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Said.Add(formatter(state, exception));
    }

    [Fact]
    public void There_is_advice_for_every_alarm() => Assert.All(Enum.GetValues<AlarmKind>(), kind => Assert.NotEmpty(AlarmAdvice.Of(kind)));

    [Theory]
    [InlineData("Offline", null, "LinkDown", true)]
    [InlineData("Rejected", 401, "TurnedAway", true)]
    [InlineData("Rejected", null, "TurnedAway", true)]
    [InlineData("ServerError", 500, "LinkDown", false)]
    [InlineData("Timeout", null, "LinkDown", false)]
    public async Task Calls_tell_about_the_way_to_the_larger_model(string reason, int? status, string kind, bool stands)
    {
        await using var rig = new DaemonRig(0.9, null);
        LinkAlarms.Take(new EscalationResult.Failed(Enum.Parse<EscalationFailure>(reason), "x", null, 1, status), rig.Daemon.Alarms);
        Assert.Equal(stands, rig.Daemon.Alarms.Stands(Enum.Parse<AlarmKind>(kind)));
        LinkAlarms.Take(new EscalationResult.Answered("cat", "larger", TimeSpan.Zero, 1, 1), rig.Daemon.Alarms);
        Assert.Empty(rig.Daemon.Alarms.Raised);
    }

    [Fact]
    public async Task A_look_finds_what_lies_aside_and_what_is_over()
    {
        await using var rig = new DaemonRig(0.9, "http://127.0.0.1:9/v1");
        rig.Daemon.Watch.Look();
        Assert.Empty(rig.Daemon.Alarms.Raised);

        var aside = Directory.CreateDirectory(Path.Combine(rig.Config.State, "quarantine-1")).FullName;
        rig.Daemon.Alarms.Raise(AlarmKind.DiskFull, "no room");
        rig.Daemon.Alarms.Raise(AlarmKind.PicturesLost, "gone");
        rig.Daemon.Watch.Look();
        Assert.Equal(AlarmKind.Quarantine, Assert.Single(rig.Daemon.Alarms.Raised).Kind);
        Directory.Delete(aside);
        rig.Daemon.Watch.Look();
        Assert.Empty(rig.Daemon.Alarms.Raised);
    }

    [Fact]
    public async Task A_clock_that_nobody_keeps_and_a_queue_that_stands_still_are_told()
    {
        await using var rig = new DaemonRig(0.9, "http://127.0.0.1:9/v1");
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        using var files = new TestFiles();
        using var opened = Escalations.Bench.Open(new QueueOptions { Folder = files.File("queue") }, time, out var queue);
        using var box = Escalations.Bench.Box(files.File("state"), time);
        var isKnown = false;
        using var watch = new Watch(new Watched(queue, box, new BootClock(time, () => isKnown)), rig.Daemon.Alarms, time);
        queue.TryEnqueue(Escalations.Bench.Question());

        watch.Look();
        Assert.Equal([AlarmKind.ClockUnknown], rig.Daemon.Alarms.Raised.Select(alarm => alarm.Kind));
        time.Advance(Watch.Stall + TimeSpan.FromSeconds(1));
        isKnown = true;
        watch.Look();
        Assert.Equal([AlarmKind.QueueStalled], rig.Daemon.Alarms.Raised.Select(alarm => alarm.Kind));
        queue.Complete(Assert.Single(queue.Lease(1)).Escalation.Id);
        watch.Look();
        Assert.Empty(rig.Daemon.Alarms.Raised);
    }

    [Fact]
    public async Task What_the_queue_gives_up_ends_the_waiting_of_its_client()
    {
        await using var rig = new DaemonRig(0.5, "http://127.0.0.1:9/v1");
        var answer = await rig.Answer(rig.Question(mode: Edge.Routing.RoutingMode.AnswerNow));
        using var events = rig.Daemon.Events.Listen(null)!;
        foreach (var file in Directory.GetFiles(Path.Combine(rig.Config.Escalation!.Queue.Folder, "pictures"))) File.Delete(file);

        Assert.Empty(rig.Daemon.Queue!.Lease(1));

        Assert.StartsWith("picture_lost", rig.Daemon.Memory.Find(answer.Id)!.Failure, StringComparison.Ordinal);
        Assert.True(rig.Daemon.Alarms.Stands(AlarmKind.PicturesLost));
        Assert.True(events.Events.TryRead(out var first) && first.Event is EdgeEvent.NotCorrected);
        Assert.Equal(1, rig.Daemon.Queue.Stats().Dead);
        Assert.Equal(ServeRig.Code, Assert.Single(rig.Daemon.Queue.DeadLetters(1)).Entry.Code);
    }
}

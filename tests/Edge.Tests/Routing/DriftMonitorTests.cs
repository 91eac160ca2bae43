using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Routing;
using Vlm.Edge.Tests.Api;
using Vlm.Package;
using Vlm.Statistics;

namespace Vlm.Edge.Tests.Routing;

public sealed class DriftMonitorTests : IDisposable
{
    private static readonly DriftOptions Options = new() { Share = 0.1, ShareNearThreshold = 0.5, ReferenceError = 0, FalseAlarm = 0.01 };
    private readonly TestFiles _files = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly List<string> _alarms = [];

    [Fact]
    public void Agreement_never_alarms_and_a_broken_promise_does()
    {
        var kept = Open(Options);
        for (var i = 0; i < 300; i++) Assert.False(kept.Observe(disagrees: i % 150 == 149, draw: 0));
        Assert.True(kept.IsPromiseKept);

        var broken = Open(Options, "broken");
        var random = SeededRandom.From(1);
        var audits = 0;
        while (!broken.Observe(random.Chance(0.1), draw: 0)) audits++;
        Assert.False(broken.IsPromiseKept);
        Assert.InRange(audits, 5, 150);
        Assert.Equal(_clock.GetUtcNow(), broken.State.LastAlarm);
    }

    /// <summary>
    /// α = 1 %, looked at after each of 500 audits at exactly that risk: at most 1 % of the boxes may ever raise a false alarm, plus sampling error.
    /// </summary>
    [Fact]
    public void False_alarms_are_as_rare_as_promised()
    {
        var random = SeededRandom.From(7);
        var alarms = 0;
        for (var box = 0; box < 400; box++)
        {
            var test = new Vlm.Statistics.BettingTest(0.01, Options.FalseAlarm / 2);
            for (var i = 0; i < 500 && !test.IsAlarm; i++) test = test.After(random.Chance(0.01));
            if (test.IsAlarm) alarms++;
        }
        Assert.InRange(alarms, 0, 9);
    }

    [Fact]
    public void Answers_near_the_threshold_are_audited_more_and_tested_as_often_as_others()
    {
        var monitor = Open(Options);

        Assert.Equal((0.5, 0.5, 0.1, 0.1), (monitor.GetShare(0.9), monitor.GetShare(0.949), monitor.GetShare(0.951), monitor.GetShare(1)));
        for (var i = 0; i < 100; i++) monitor.Observe(disagrees: true, draw: 0.3);
        Assert.Equal((100L, 100L, 0L), (monitor.State.Audits, monitor.State.Disagreements, monitor.State.Test.Audited));
        monitor.Observe(disagrees: false, draw: 0.05);
        Assert.Equal(1, monitor.State.Test.Audited);
    }

    [Fact]
    public void The_state_outlives_a_restart_and_ends_with_its_gate()
    {
        var before = Open(Options);
        for (var i = 0; i < 3; i++) before.Observe(true, 0);

        Assert.Equal(before.State, Open(Options).State);
        Assert.Equal(0, Open(Options, gate: "another").State.Audits);
    }

    [Fact]
    public void An_alarm_changes_the_gate_as_the_option_says()
    {
        var report = Alarmed(OnAlarm.Report, 1);
        var raise = Alarmed(OnAlarm.RaiseThreshold, 1);
        var raisedTwice = Alarmed(OnAlarm.RaiseThreshold, 2);
        var raisedOften = Alarmed(OnAlarm.RaiseThreshold, 9);
        var all = Alarmed(OnAlarm.EscalateAll, 1);

        Assert.Equal(0.9, report.Threshold, 1e-12);
        Assert.Equal((0.95, 0.975), (raise.Threshold, raisedTwice.Threshold), (a, b) => Math.Abs(a.Item1 - b.Item1) + Math.Abs(a.Item2 - b.Item2) < 1e-12);
        Assert.True(double.IsPositiveInfinity(raisedOften.Threshold) && double.IsPositiveInfinity(all.Threshold));
        Assert.All([report, raise, all], monitor => Assert.False(monitor.IsPromiseKept));
    }

    [Fact]
    public void Draws_are_uniform_and_the_same_for_the_same_id()
    {
        var draws = Enumerable.Range(0, 4000).Select(i => AuditDraw.Draw($"id-{i}")).ToArray();

        Assert.Equal(draws[17], AuditDraw.Draw("id-17"));
        Assert.All(draws, draw => Assert.InRange(draw, 0, 0.9999999999999999));
        Assert.InRange(draws.Average(), 0.48, 0.52);
        Assert.InRange(draws.Count(draw => draw < 0.05), 150, 250);
    }

    public void Dispose() => _files.Dispose();

    private DriftMonitor Alarmed(OnAlarm onAlarm, int alarms)
    {
        var monitor = Open(Options with { OnAlarm = onAlarm }, $"{onAlarm}-{alarms}");
        while (monitor.State.Alarms < alarms) monitor.Observe(true, 0);
        return monitor;
    }

    private DriftMonitor Open(DriftOptions options, string name = "audit", string gate = "gate")
    {
        var manifest = new Manifest(1, "fp32", new Dictionary<string, ModelFile>(), new Provenance());
        var file = new StateFile<DriftState>(_files.File(name), RoutingJson.Default.DriftState, alarm => _alarms.Add(alarm ?? "fine"));
        return new DriftMonitor(options, ServeRig.GateOf(0.99, new ModelFolder("package", manifest)), gate, file, _clock);
    }
}

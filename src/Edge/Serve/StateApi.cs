using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Vlm.Edge.Escalations;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Serve;

/// <summary><c>GET /api/v1/state</c>.</summary>
internal sealed record StateBody(
    string Model, string Precision, string Mode, GateBody? Gate, BudgetBody Budget, QueueBody? Queue, string? Link, int Waiting, int CachedAnswers, IReadOnlyList<AlarmBody> Alarms);

/// <summary>The gate, its promise, and what the audits say about it.</summary>
internal sealed record GateBody(
    double Threshold, double ThresholdInForce, double Risk, double Confidence, bool PromiseKept, long Audits, long Disagreements, double AuditWealth, double AlarmAtWealth, DateTimeOffset? LastAlarm)
{
    public static GateBody Of(Gates gates) => new(
        gates.Gate.Threshold,
        Math.Min(gates.Drift.Threshold, 1),
        gates.Gate.Certificate.Risk,
        1 - gates.Gate.Certificate.Delta,
        gates.Drift.IsPromiseKept,
        gates.Drift.State.Audits,
        gates.Drift.State.Disagreements,
        gates.Drift.State.Test.Wealth,
        1 / gates.Drift.State.Test.Delta,
        gates.Drift.State.LastAlarm);
}

internal sealed record BudgetBody(double CallsInBucket, int CallsToday, long BytesToday, decimal MoneyToday, double DayEndsInSeconds)
{
    public static BudgetBody Of(BudgetState state) =>
        new(state.Tokens, state.Calls, state.Bytes, state.Money, TimeSpan.FromDays(1).TotalSeconds - state.DaySeconds);
}

internal sealed record QueueBody(int Waiting, int Dead, long Bytes, double OldestSeconds, int Quarantined)
{
    public static QueueBody Of(QueueStats stats) => new(stats.Waiting, stats.Dead, stats.Bytes, stats.OldestAge.TotalSeconds, stats.Quarantined);
}

internal sealed record AlarmBody(string Kind, string Message, DateTimeOffset At, int Times)
{
    public static AlarmBody Of(RaisedAlarm alarm) => new(EdgeMetrics.Label(alarm.Kind), alarm.Message, alarm.At, alarm.Times);
}

/// <summary>What the daemon knows of itself, as JSON and as gauges.</summary>
internal sealed class StateApi(IServiceProvider services, string precision, string model)
{
    private readonly EdgeConfig _config = services.GetRequiredService<EdgeConfig>();
    private readonly Gates? _gates = services.GetRequiredService<Watch>().Gates;
    private readonly Budget _budget = services.GetRequiredService<Budget>();
    private readonly EscalationQueue? _queue = services.GetService<EscalationQueue>();
    private readonly Escalator? _larger = services.GetRequiredService<Larger>().Escalator;
    private readonly LocalModel _local = services.GetRequiredService<LocalModel>();
    private readonly Settled _settled = services.GetRequiredService<Settled>();
    private readonly Alarms _alarms = services.GetRequiredService<Alarms>();

    public string Model => model;

    public void Map(IEndpointRouteBuilder routes, Admission admission) => routes.MapGet("/api/v1/state", admission.Known(context =>
        context.Response.WriteAsJsonAsync(Now(), ServeJson.Default.StateBody, cancellationToken: context.RequestAborted)));

    /// <summary>Gauges for <c>/metrics</c>.</summary>
    public IEnumerable<(string Name, string Help, double Value)> Gauges()
    {
        var budget = _budget.Now;
        yield return ("edge_questions_waiting", "Questions that wait for the local model.", _local.Waiting);
        yield return ("edge_cached_answers", "Answers that would be given again.", _settled.Count);
        yield return ("edge_budget_calls_in_bucket", "Calls to the larger model that may be made now.", budget.Tokens);
        yield return ("edge_budget_calls_today", "Calls to the larger model since the day began.", budget.Calls);
        yield return ("edge_budget_bytes_today", "Bytes sent to the larger model since the day began.", budget.Bytes);
        yield return ("edge_budget_money_today", "Money spent on the larger model since the day began.", (double)budget.Money);
        if (_gates is null) yield break;
        yield return ("edge_gate_risk", "Certified share of wrong answers among the accepted ones, at most.", _gates.Gate.Certificate.Risk);
        yield return ("edge_gate_threshold", "Confidence that an answer needs now; above 1 when none is accepted.", _gates.Drift.Threshold);
        yield return ("edge_audits", "Audited answers.", _gates.Drift.State.Audits);
        yield return ("edge_audit_disagreements", "Audited answers that the larger model answered otherwise.", _gates.Drift.State.Disagreements);
        yield return ("edge_audit_wealth", "Wealth of the test by betting against the gate's promise.", _gates.Drift.State.Test.Wealth);
        yield return ("edge_gate_promise_kept", "1 while no audit alarm was raised.", _gates.Drift.IsPromiseKept ? 1 : 0);
    }

    private StateBody Now() => new(
        model,
        precision,
        EdgeConfigFile.Name(_config.Routing.Mode),
        _gates is null ? null : GateBody.Of(_gates),
        BudgetBody.Of(_budget.Now),
        _queue is null ? null : QueueBody.Of(_queue.Stats()),
        _larger is null ? null : EdgeConfigFile.Name(_larger.Link),
        _local.Waiting,
        _settled.Count,
        [.. _alarms.Raised.Select(AlarmBody.Of)]);
}

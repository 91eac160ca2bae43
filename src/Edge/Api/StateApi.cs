using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Escalations;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Storage;
using Vlm.Hosting;
using Vlm.Hosting.Http;
using Vlm.Text;

namespace Vlm.Edge.Api;

/// <summary><c>GET /api/v1/state</c>. Without <c>queue</c> the box works alone, or <c>queue_problem</c> says why nothing is known of it.</summary>
internal sealed record StateBody(
    string Model, string Precision, string Provider, string Mode, GateBody? Gate, BudgetBody Budget, QueueBody? Queue, string? QueueProblem, string? Link,
        int Waiting, int CachedAnswers, IReadOnlyList<CameraBody> Cameras, IReadOnlyList<WatchBody> Watching, IReadOnlyList<AlarmBody> Alarms);

/// <summary>The gate, its promise, and what the audits say about it.</summary>
internal sealed record GateBody(
    double Threshold, double ThresholdInForce, double Risk, double Confidence, bool PromiseKept, long Audits, long Disagreements, double AuditWealth,
        double AlarmAtWealth, DateTimeOffset? LastAlarm)
{
    public static GateBody From(DriftMonitor drift) => new(
        drift.Gate.Threshold,
        Math.Min(drift.Threshold, 1),
        drift.Gate.Certificate.Risk,
        1 - drift.Gate.Certificate.Delta,
        drift.IsPromiseKept,
        drift.State.Audits,
        drift.State.Disagreements,
        drift.State.Test.Wealth,
        1 / drift.State.Test.Delta,
        drift.State.LastAlarm);
}

internal sealed record BudgetBody(double CallsInBucket, int CallsToday, long BytesToday, decimal MoneyToday, double DayEndsInSeconds)
{
    public static BudgetBody From(BudgetState state) =>
        new(state.Tokens, state.Calls, state.Bytes, state.Money, TimeSpan.FromDays(1).TotalSeconds - state.DaySeconds);
}

internal sealed record QueueBody(int Waiting, int Dead, long Bytes, double OldestSeconds, int Quarantined)
{
    public static QueueBody From(QueueStats stats) => new(stats.Waiting, stats.Dead, stats.Bytes, stats.OldestAge.TotalSeconds, stats.Quarantined);
}

/// <summary>What is wrong, since when, when it was seen last, how often since then, and what to do.</summary>
internal sealed record AlarmBody(string Kind, string Message, DateTimeOffset Since, DateTimeOffset At, int Times, string Advice)
{
    public static AlarmBody From(RaisedAlarm alarm) =>
        new(alarm.Kind.ToLabel(), alarm.Message, alarm.Since, alarm.At, alarm.Times, AlarmAdvice.Of(alarm.Kind));
}

/// <summary>What the daemon knows of itself, as JSON and as gauges.</summary>
internal static class StateApi
{
    public static void Map(IEndpointRouteBuilder routes, Daemon daemon) => routes.MapGet("/api/v1/state", (RequestDelegate)(context =>
        context.Response.WriteAsJsonAsync(Describe(daemon), ApiJson.Default.StateBody, cancellationToken: context.RequestAborted))).Needs(Roles.Operate);

    /// <summary>Gauges for <c>/metrics</c>.</summary>
    public static IEnumerable<(string Name, string Help, double Value)> Gauges(Daemon daemon)
    {
        var budget = daemon.Budget.Now;
        yield return ("edge_questions_waiting", "Questions that wait for the local model.", daemon.Model.Waiting);
        yield return ("edge_provider_fell_back", "1 while the processor stands in for a provider that could not be had or has failed.",
            daemon.Model.Placement.IsFallback ? 1 : 0);
        yield return ("edge_cached_answers", "Answers that would be given again.", daemon.Memory.Count);
        yield return ("edge_budget_calls_in_bucket", "Calls to the larger model that may be made now.", budget.Tokens);
        yield return ("edge_budget_calls_today", "Calls to the larger model since the day began.", budget.Calls);
        yield return ("edge_budget_bytes_today", "Bytes sent to the larger model since the day began.", budget.Bytes);
        yield return ("edge_budget_money_today", "Money spent on the larger model since the day began.", (double)budget.Money);
        if (daemon.Drift is not { } drift) yield break;
        yield return ("edge_gate_risk", "Certified share of wrong answers among the accepted ones, at most.", drift.Gate.Certificate.Risk);
        yield return ("edge_gate_threshold", "Confidence that an answer needs now; above 1 when none is accepted.", drift.Threshold);
        yield return ("edge_audits", "Audited answers.", drift.State.Audits);
        yield return ("edge_audit_disagreements", "Audited answers that the larger model answered otherwise.", drift.State.Disagreements);
        yield return ("edge_audit_wealth", "Wealth of the test by betting against the gate's promise.", drift.State.Test.Wealth);
        yield return ("edge_gate_promise_kept", "1 while no audit alarm was raised.", drift.IsPromiseKept ? 1 : 0);
    }

    private static StateBody Describe(Daemon daemon)
    {
        var (queue, problem) = Queue(daemon.Queue);
        return new StateBody(
            daemon.Model.Name,
            daemon.Model.Precision,
            daemon.Model.Placement.Provider.ToLabel(),
            daemon.Config.Routing.Mode.ToOption(),
            daemon.Drift is { } drift ? GateBody.From(drift) : null,
            BudgetBody.From(daemon.Budget.Now),
            queue,
            problem,
            daemon.LinkState,
            daemon.Model.Waiting,
            daemon.Memory.Count,
            [.. daemon.Cameras.Cameras.Select(camera => CameraBody.From(camera, daemon.Cameras.Since(camera)))],
            [.. daemon.Watching.Watchers.Values.Select(watcher => WatchBody.From(watcher.Describe()))],
            [.. daemon.Alarms.Raised.Select(AlarmBody.From)]);
    }

    /// <summary>A database that cannot be read is what the state is asked for: it is told, and everything else is too.</summary>
    private static (QueueBody? Queue, string? Problem) Queue(EscalationQueue? queue)
    {
        try
        {
            return (queue is null ? null : QueueBody.From(queue.Stats()), null);
        }
        catch (StorageException error)
        {
            return (null, error.ForClients);
        }
    }
}

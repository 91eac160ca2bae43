using System.Diagnostics;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Queries;

/// <summary>The daemon on one screen: question → local answer → gate → decision → effect. The only place that writes to queue, cache, store and metrics.</summary>
internal sealed class QueryPipeline(LocalModel model, Escalator? larger, Settled settled, PipelineOptions options)
{
    /// <summary>What the client keeps of its time to take in the answer.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(20);

    /// <summary>Answers a question within its deadline, or says why not.</summary>
    /// <param name="query">The question.</param>
    /// <param name="gone">Whether the client still waits.</param>
    public async Task<QueryOutcome> AskAsync(Query query, CancellationToken gone)
    {
        using var deadline = new CancellationTokenSource(Clamped(Left(query)), options.Clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(gone, deadline.Token);
        QueryOutcome outcome = await model.AnswerAsync(query, (scene, code) => Known(query, scene, code), ended.Token) switch
        {
            LocalOutcome.Known(var known, var timings) => new QueryOutcome.Answered(Again(query, known, timings)),
            LocalOutcome.Solved(var local) => new QueryOutcome.Answered(await FollowAsync(query, local, gone)),
            LocalOutcome.Refused { Reason: RefusalReason.Cancelled } when !gone.IsCancellationRequested && deadline.IsCancellationRequested =>
                new QueryOutcome.Refused(RefusalReason.Deadline, $"the deadline of {query.Deadline.TotalMilliseconds:F0} ms passed before the local model had answered"),
            LocalOutcome.Refused(var reason, var detail) => new QueryOutcome.Refused(reason, detail),
            _ => throw new UnreachableException(),
        };
        options.Metrics.Count(query, outcome);
        return outcome;
    }

    private async Task<Answer> FollowAsync(Query query, LocalAnswer local, CancellationToken gone)
    {
        var situation = Look(query, local);
        var decision = Router.Decide(situation, AuditDraw.Of(query.Id));
        options.Metrics.Count(decision);
        var answer = decision switch
        {
            Decision.Accept => Local(query, local),
            Decision.AcceptAndAudit => await AuditedAsync(query, local),
            Decision.Escalate(var why) => await EscalatedAsync(query, local, why, gone),
            Decision.AnswerDegraded degraded => await DegradedAsync(query, local, degraded, Why(degraded.Reason, situation.Budget)),
            _ => throw new UnreachableException(),
        };
        answer = answer with { Timings = answer.Timings with { Total = options.Clock.GetElapsedTime(query.Started) } };
        settled.Add(answer, local.Scene, query.Code);
        return answer;
    }

    private Situation Look(Query query, LocalAnswer local)
    {
        var confidence = local.Assessment?.Confidence ?? 0;
        return new Situation
        {
            Mode = query.Mode,
            HasHardFailure = local.HardFailures.Count > 0 || local.Text is null,
            IsConfident = local.Assessment is { IsConfident: true } && confidence >= (options.Drift?.Threshold ?? 0),
            IsCertified = IsCertified(local),
            Budget = larger?.View(query) ?? BudgetVerdict.Granted,
            Link = larger?.Link ?? Link.Online,
            HasTime = Left(query) - Margin >= options.LeastEscalation,
            AuditShare = larger is null ? 0 : options.Drift?.ShareOf(confidence) ?? 0,
        };
    }

    private Answer Local(Query query, LocalAnswer local) => new()
    {
        Id = query.Id,
        Text = local.Text,
        Confidence = local.Assessment?.Confidence,
        By = AnsweredBy.Edge,
        IsCertified = IsCertified(local),
        Model = options.ModelName,
        Tokens = local.Tokens,
        Timings = local.Timings,
    };

    private async Task<Answer> AuditedAsync(Query query, LocalAnswer local)
    {
        var problem = await larger!.QueueAsync(query, local.Text, EscalationReason.Audit);
        return Local(query, local) with { EscalationReason = problem is null ? EscalationReason.Audit : null };
    }

    private async Task<Answer> EscalatedAsync(Query query, LocalAnswer local, EscalationReason why, CancellationToken gone)
    {
        var started = options.Clock.GetTimestamp();
        var asked = await larger!.AskAsync(query, local.Text, why, query.Deadline - Margin, gone);
        local = local with { Timings = local.Timings with { Escalation = options.Clock.GetElapsedTime(started) } };
        return asked switch
        {
            Asked.Answered(var result) => new Answer
            {
                Id = query.Id,
                Text = result.Answer,
                By = AnsweredBy.Escalation,
                EscalationReason = why,
                Model = result.Model,
                Tokens = local.Tokens,
                Timings = local.Timings,
            },
            Asked.Failed(var result) => await DegradedAsync(query, local, Fallback.After(result.Reason, why), result.Detail),
            Asked.NotPaid(var verdict) => await DegradedAsync(query, local, new Decision.AnswerDegraded(DegradedReason.Budget, why), Spent(verdict)),
            Asked.NotSent(var problem) => await DegradedAsync(query, local, new Decision.AnswerDegraded(DegradedReason.Rejected), problem),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>The local answer, marked; the larger model is asked behind if that can help.</summary>
    private async Task<Answer> DegradedAsync(Query query, LocalAnswer local, Decision.AnswerDegraded decision, string detail)
    {
        var answer = Local(query, local) with { Degraded = decision.Reason, DegradedDetail = detail };
        if (decision.Behind is not { } why || larger is null) return answer;
        // The same question already waits: it is not paid twice.
        if (settled.Pending(local.Scene, query.Code) is { } other) return answer with { EscalationReason = why, CorrectionId = other };
        if (await larger.QueueAsync(query, local.Text, why) is not { } problem) return answer with { EscalationReason = why, CorrectionId = query.Id };
        return decision.Reason == DegradedReason.Queued
            ? answer with { Degraded = DegradedReason.QueueFull, DegradedDetail = problem }
            : answer with { DegradedDetail = $"{detail}; and it could not be queued: {problem}" };
    }

    private Answer Again(Query query, Answer known, AnswerTimings timings) => known with
    {
        Id = query.Id,
        By = AnsweredBy.Cache,
        EscalationReason = null,
        Tokens = null,
        Timings = timings with { Total = options.Clock.GetElapsedTime(query.Started) },
    };

    /// <summary>An answer to give again: the box's own one only while its certificate stands, and not to who wants the larger model's.</summary>
    private Answer? Known(Query query, Scene scene, string code) =>
        settled.Find(scene, code) is { } known && (known.By == AnsweredBy.Escalation || (IsPromiseKept && query.Mode != RoutingMode.EscalateAll)) ? known : null;

    private bool IsPromiseKept => options.Drift is not { IsPromiseKept: false };

    private bool IsCertified(LocalAnswer local) => local.Assessment is { IsCertified: true } && IsPromiseKept;

    private TimeSpan Left(Query query) => query.Deadline - options.Clock.GetElapsedTime(query.Started);

    private static TimeSpan Clamped(TimeSpan left) => left > TimeSpan.Zero ? left : TimeSpan.Zero;

    private string Why(DegradedReason reason, BudgetVerdict budget) => reason switch
    {
        DegradedReason.LocalOnly when !options.HasGate => "there is no gate, so nothing is known about this answer's risk",
        DegradedReason.LocalOnly => "the gate is not confident, and nothing leaves the box in this mode",
        DegradedReason.Queued => "the gate is not confident; the larger model is asked behind",
        DegradedReason.Offline => "the larger model could not be reached a moment ago",
        DegradedReason.BreakerOpen => "the larger model failed too often just now",
        DegradedReason.Budget => Spent(budget),
        DegradedReason.Deadline => "too little time was left to ask the larger model",
        _ => throw new UnreachableException(),
    };

    private static string Spent(BudgetVerdict verdict) => verdict switch
    {
        BudgetVerdict.Rate => "too many calls to the larger model in a short time",
        BudgetVerdict.Calls => "the calls of the day are spent",
        BudgetVerdict.Bytes => "the bytes of the day are spent",
        BudgetVerdict.Money => "the money of the day is spent",
        _ => "the budget is spent",
    };
}

/// <summary>What the pipeline knows of its surroundings.</summary>
internal sealed record PipelineOptions
{
    /// <summary>Name of the local model.</summary>
    public required string ModelName { get; init; }

    /// <summary>Whether the package has a gate.</summary>
    public required bool HasGate { get; init; }

    /// <summary>Watches the gate; null without one.</summary>
    public required DriftMonitor? Drift { get; init; }

    /// <summary>With less time than this left the larger model is not asked.</summary>
    public required TimeSpan LeastEscalation { get; init; }

    public required EdgeMetrics Metrics { get; init; }

    public required TimeProvider Clock { get; init; }
}

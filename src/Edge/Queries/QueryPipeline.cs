using System.Diagnostics;
using Vlm.Cryptogram;
using Vlm.Edge.Answers;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;

namespace Vlm.Edge.Queries;

/// <summary>
/// The daemon on one screen: question → local answer → gate → decision → effect. The only place that writes to queue, memory and metrics.
/// </summary>
internal sealed class QueryPipeline(LocalModel model, Escalator? larger, AnswerMemory memory, Func<RoutingOptions> options, EdgeMetrics metrics)
{
    /// <summary>What the client keeps of its time to take in the answer.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(20);

    /// <summary>Answers a question within its deadline, or says why not.</summary>
    /// <param name="query">The question.</param>
    /// <param name="gone">Cancelled when the client no longer waits.</param>
    public async Task<QueryOutcome> AskAsync(Query query, CancellationToken gone)
    {
        using var deadline = new CancellationTokenSource(query.Deadline.Left > TimeSpan.Zero ? query.Deadline.Left : TimeSpan.Zero, query.Deadline.Clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(gone, deadline.Token);
        QueryOutcome outcome = await LocalAsync(query, ended.Token) switch
        {
            LocalOutcome.Known(var known, var timings) => new QueryOutcome.Answered(Again(query, known, timings)),
            LocalOutcome.Solved(var local) => new QueryOutcome.Answered(await FollowAsync(query, local, gone)),
            LocalOutcome.Refused { Reason: RefusalReason.Cancelled } when !gone.IsCancellationRequested && deadline.IsCancellationRequested =>
                new QueryOutcome.Refused(RefusalReason.Deadline,
                    $"the deadline of {query.Deadline.Limit.TotalMilliseconds:F0} ms passed before the local model had answered"),
            LocalOutcome.Refused refused => new QueryOutcome.Refused(refused.Reason, refused.Detail) { RetryAfter = refused.RetryAfter },
            _ => throw new UnreachableException(),
        };
        metrics.Count(query, outcome);
        return outcome;
    }

    /// <summary>What the box says; at the end of the deadline at once, though the model may still have to notice.</summary>
    private async Task<LocalOutcome> LocalAsync(Query query, CancellationToken ended)
    {
        try
        {
            return await TakeTurnAsync(query, ended).WaitAsync(ended);
        }
        catch (OperationCanceledException)
        {
            return new LocalOutcome.Refused(RefusalReason.Cancelled, "the question was given up before it was answered");
        }
    }

    /// <summary>Look and remember, without a turn at the local model; else one turn, in which the same may have been answered meanwhile.</summary>
    private async Task<LocalOutcome> TakeTurnAsync(Query query, CancellationToken ended)
    {
        var (seen, blind) = await model.LookAsync(query, ended);
        if (seen is null) return blind!;
        using var look = seen;
        if (Remember(query, look, look.Timings) is { } known) return known;
        var (taken, refusal) = await model.TakeTurnAsync(query, look, ended);
        if (taken is null) return refusal!;
        using var turn = taken;
        return Remember(query, look, turn.Timings) ?? await turn.SolveAsync();
    }

    private LocalOutcome.Known? Remember(Query query, Look look, AnswerTimings timings) =>
        Known(query, look.Scene) is { } known ? new LocalOutcome.Known(known with { Warning = look.Warning }, timings) : null;

    private async Task<Answer> FollowAsync(Query query, LocalAnswer local, CancellationToken gone)
    {
        var situation = Look(query, local);
        var decision = Router.Decide(situation, AuditDraw.Draw(query.Id));
        metrics.Count(decision);
        var answer = decision switch
        {
            Decision.Accept => Local(query, local),
            Decision.AcceptAndAudit => await AuditedAsync(query, local),
            Decision.Escalate(var why) => await EscalatedAsync(query, local, why, gone),
            Decision.AnswerDegraded degraded => await DegradedAsync(query, local, degraded, Why(degraded.Reason, situation.Budget)),
            _ => throw new UnreachableException(),
        };
        answer = answer with { Timings = answer.Timings with { Total = query.Deadline.Elapsed } };
        memory.Add(answer, local.Scene, new Asked(query.AskedBy, query.Code, query.Picture));
        return answer;
    }

    private Situation Look(Query query, LocalAnswer local)
    {
        var confidence = local.Assessment?.Confidence ?? 0;
        return new Situation
        {
            Mode = query.Mode,
            HasHardFailure = local.HardFailures.Count > 0 || local.Text is null,
            // That letters are missing is no answer to accept, however sure it is.
            IsConfident = local is { Status: AnswerStatus.Answered, Assessment.IsConfident: true } && confidence >= (model.Drift?.Threshold ?? 0),
            IsWithoutDecoder = local.Status == AnswerStatus.NoDecoder && !options().EscalateNoDecoder,
            Budget = larger?.View(query) ?? BudgetVerdict.Granted,
            Link = larger?.Link ?? Link.Online,
            HasTime = query.Deadline.Left - Margin >= TimeSpan.FromSeconds(options().LeastEscalationSeconds),
            AuditShare = larger is null ? 0 : model.Drift?.GetShare(confidence) ?? 0,
        };
    }

    private Answer Local(Query query, LocalAnswer local) => new()
    {
        Id = query.Id,
        Text = local.Text,
        Status = local.Status,
        Unseen = local.Unseen,
        Confidence = local.Assessment?.Confidence,
        By = AnsweredBy.Edge,
        IsCertified = local is { Status: AnswerStatus.Answered, Assessment.IsConfident: true } && IsPromiseKept,
        Model = model.Name,
        Tokens = local.Tokens,
        Warning = local.Warning,
        IsCutOut = local.IsCutOut,
        Timings = local.Timings,
    };

    private async Task<Answer> AuditedAsync(Query query, LocalAnswer local)
    {
        var problem = await larger!.QueueAsync(query, local.Text, EscalationReason.Audit);
        return Local(query, local) with { EscalationReason = problem is null ? EscalationReason.Audit : null };
    }

    private async Task<Answer> EscalatedAsync(Query query, LocalAnswer local, EscalationReason why, CancellationToken gone)
    {
        var started = query.Deadline.Elapsed;
        var asked = await larger!.AskAsync(query, local.Text, why, Margin, gone);
        local = local with { Timings = local.Timings with { Escalation = query.Deadline.Elapsed - started } };
        return asked switch
        {
            EscalationResult.Answered result => new Answer
            {
                Id = query.Id,
                Text = result.Answer,
                Status = result.Status,
                Unseen = Message.UnseenOf(query.Code, result.Answer),
                Confidence = result.Calibrated,
                IsCertified = result is { Status: AnswerStatus.Answered, IsCertified: true },
                By = AnsweredBy.Escalation,
                EscalationReason = why,
                Model = result.Model,
                Tokens = local.Tokens,
                Warning = local.Warning,
                Timings = local.Timings,
            },
            EscalationResult.Failed result => await DegradedAsync(query, local, Fallback.Decide(result.Reason, why), result.Detail),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>The local answer, marked; the larger model is asked in the background if that can help.</summary>
    private async Task<Answer> DegradedAsync(Query query, LocalAnswer local, Decision.AnswerDegraded decision, string detail)
    {
        var answer = Local(query, local) with { Degraded = decision.Reason, DegradedDetail = detail };
        if (decision.InBackground is not { } why || larger is null) return answer;
        // The same question of the same client already waits: it is not paid twice.
        if (memory.FindPending(local.Scene, new Asked(query.AskedBy, query.Code)) is { } other)
            return answer with { EscalationReason = why, CorrectionId = other };
        if (await larger.QueueAsync(query, local.Text, why) is not { } problem) return answer with { EscalationReason = why, CorrectionId = query.Id };
        return decision.Reason == DegradedReason.Queued
            ? answer with { Degraded = DegradedReason.QueueFull, DegradedDetail = problem }
            : answer with { DegradedDetail = $"{detail}; and it could not be queued: {problem}" };
    }

    private static Answer Again(Query query, Answer known, AnswerTimings timings) => known with
    {
        Id = query.Id,
        By = AnsweredBy.Cache,
        EscalationReason = null,
        Tokens = null,
        Timings = timings with { Total = query.Deadline.Elapsed },
    };

    /// <summary>
    /// An answer to give again: the box's own one only while its certificate stands, and neither to clients that want the larger model's nor to those that want
    /// another reading.
    /// </summary>
    private Answer? Known(Query query, Scene scene) =>
        memory.FindSame(scene, query.Code) is { } known
            && (known.By == AnsweredBy.Escalation || (IsPromiseKept && query is { IsReadAnew: false, Mode: not RoutingMode.EscalateAll }))
            ? known : null;

    private bool IsPromiseKept => model.Drift is not { IsPromiseKept: false };

    private string Why(DegradedReason reason, BudgetVerdict budget) => reason switch
    {
        DegradedReason.LocalOnly when model.Drift is null => "there is no gate, so nothing is known about this answer's risk",
        DegradedReason.LocalOnly => "the gate is not confident, and nothing leaves the box in this mode",
        DegradedReason.Queued => "the gate is not confident; the larger model is asked in the background",
        DegradedReason.NoDecoder => "the picture shows no decoder; the larger model is not asked",
        DegradedReason.Offline => "the larger model could not be reached a moment ago",
        DegradedReason.BreakerOpen => "the larger model failed too often just now",
        DegradedReason.Budget => budget.Describe(),
        DegradedReason.Deadline => "too little time was left to ask the larger model",
        _ => throw new UnreachableException(),
    };
}

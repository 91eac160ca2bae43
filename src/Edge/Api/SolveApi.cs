using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Answers;
using Vlm.Edge.Queries;
using Vlm.Hosting.Http;
using Vlm.Text;

namespace Vlm.Edge.Api;

/// <summary>An answer as clients see it. Times in milliseconds.</summary>
internal sealed record AnswerBody(
    string Id,
    string? Answer,
    string? Status,
    IReadOnlyList<char> Unseen,
    double? Confidence,
    string AnsweredBy,
    bool Certified,
    bool Degraded,
    string? DegradedReason,
    string? DegradedDetail,
    bool Escalated,
    string? EscalationReason,
    string? CorrectionId,
    string Model,
    string? Warning,
    bool SheetCutOut,
    IReadOnlyDictionary<string, double> TimingsMs)
{
    public static AnswerBody From(Answer answer) => new(
        answer.Id,
        answer.Text,
        answer.Status is { } status ? status.ToLabel() : null,
        answer.Unseen,
        answer.Confidence,
        answer.By.ToLabel(),
        answer.IsCertified,
        answer.Degraded is not null,
        answer.Degraded is { } degraded ? degraded.ToLabel() : null,
        answer.DegradedDetail,
        answer.EscalationReason is not null,
        answer.EscalationReason is { } reason ? reason.ToLabel() : null,
        answer.CorrectionId,
        answer.Model,
        answer.Warning,
        answer.IsCutOut,
        answer.Timings.Stages.Append((Name: "total", Time: answer.Timings.Total))
            .ToDictionary(stage => stage.Name, stage => Math.Round(stage.Time.TotalMilliseconds, 3)));
}

/// <summary>An answer given before, and what came after. <c>status</c> is final, pending, corrected or not_corrected.</summary>
internal sealed record StoredBody(string Id, string Status, AnswerBody? Answer, CorrectionEvent? Correction, string? Failure, ReviewBody? Review);

/// <summary><c>POST /api/v1/solve</c> and <c>GET /api/v1/answers/{id}</c>.</summary>
internal static class SolveApi
{
    public static void Map(IEndpointRouteBuilder routes, Daemon daemon, SolveRequests requests, Admission admission)
    {
        routes.MapPost("/api/v1/solve", (RequestDelegate)(context => SolveAsync(context, daemon, requests, admission)));
        routes.MapGet("/api/v1/answers/{id}", (RequestDelegate)(context => FindAsync(context, daemon.Memory))).Needs(Reader.AnyRole);
    }

    /// <summary>Asks the pipeline.</summary>
    /// <exception cref="ApiException">It gives no answer.</exception>
    public static async Task<Answer> AskAsync(Daemon daemon, Query query, CancellationToken gone) => await daemon.Pipeline.AskAsync(query, gone) switch
    {
        QueryOutcome.Answered(var given) => given,
        QueryOutcome.Refused refused => throw ToError(refused),
        _ => throw new UnreachableException(),
    };

    private static async Task SolveAsync(HttpContext context, Daemon daemon, SolveRequests requests, Admission admission)
    {
        var body = await requests.ReceiveAsync(context.Request);
        using var place = admission.Enter();
        var query = await requests.ReadAsync(body) with { AskedBy = KeyCheck.Caller(context).Name };
        var answer = await AskAsync(daemon, query, context.RequestAborted);
        await context.Response.WriteAsJsonAsync(AnswerBody.From(answer), ApiJson.Default.AnswerBody, cancellationToken: context.RequestAborted);
    }

    private static Task FindAsync(HttpContext context, AnswerMemory memory)
    {
        var id = (string)context.Request.RouteValues["id"]!;
        // Another key's answer is as unknown as one that never was.
        var stored = memory.Find(id) is { } found && Reader.Of(KeyCheck.Caller(context)).Sees(found.AskedBy) ? found : throw new ApiException(
            ErrorReason.UnknownId, $"There is no answer '{(id.Length > 64 ? id[..64] : id)}': it is unknown, or too old.");
        var status = stored switch
        {
            { Correction: not null } => "corrected",
            { Failure: not null } => "not_corrected",
            { Answer.CorrectionId: not null } => "pending",
            _ => "final",
        };
        var body = new StoredBody(
            stored.Id,
            status,
            stored.Answer is { } answer ? AnswerBody.From(answer) : null,
            stored.Correction is { } correction ? CorrectionEvent.From(stored.Id, correction) : null,
            stored.Failure,
            stored.Review is { } review ? ReviewBody.From(review) : null);
        return context.Response.WriteAsJsonAsync(body, ApiJson.Default.StoredBody, cancellationToken: context.RequestAborted);
    }

    private static ApiException ToError(QueryOutcome.Refused refused) => refused.Reason switch
    {
        RefusalReason.Busy => new ApiException(ErrorReason.Busy, refused.Detail, retryAfter: refused.RetryAfter ?? TimeSpan.FromSeconds(1)),
        RefusalReason.DeadlineTooShort => new ApiException(ErrorReason.DeadlineTooShort, refused.Detail, "deadline_ms", refused.RetryAfter),
        RefusalReason.Deadline => new ApiException(ErrorReason.DeadlineExceeded, refused.Detail),
        RefusalReason.Picture => new ApiException(ErrorReason.UnusablePicture, refused.Detail, "picture"),
        RefusalReason.CodeTooLong => new ApiException(ErrorReason.CodeTooLong, refused.Detail, "code"),
        RefusalReason.Cancelled => new ApiException(ErrorReason.Cancelled, refused.Detail),
        RefusalReason.ModelFailed => new ApiException(ErrorReason.ModelFailed, refused.Detail),
        _ => throw new UnreachableException(),
    };
}

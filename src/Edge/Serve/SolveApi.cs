using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Queries;

namespace Vlm.Edge.Serve;

/// <summary>An answer as clients see it. Times in milliseconds.</summary>
internal sealed record AnswerBody(
    string Id,
    string? Answer,
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
    IReadOnlyDictionary<string, double> TimingsMs)
{
    public static AnswerBody Of(Answer answer) => new(
        answer.Id,
        answer.Text,
        answer.Confidence,
        EdgeMetrics.Label(answer.By),
        answer.IsCertified,
        answer.Degraded is not null,
        answer.Degraded is { } degraded ? EdgeMetrics.Label(degraded) : null,
        answer.DegradedDetail,
        answer.EscalationReason is not null,
        answer.EscalationReason is { } reason ? EdgeMetrics.Label(reason) : null,
        answer.CorrectionId,
        answer.Model,
        answer.Timings.Stages.Append(("total", answer.Timings.Total)).ToDictionary(stage => stage.Item1, stage => Math.Round(stage.Item2.TotalMilliseconds, 3)));
}

/// <summary>An answer given before, and what came after. <c>status</c> is final, pending or corrected.</summary>
internal sealed record StoredBody(string Id, string Status, AnswerBody? Answer, CorrectionEvent? Correction);

/// <summary><c>POST /api/v1/solve</c> and <c>GET /api/v1/answers/{id}</c>.</summary>
internal static class SolveApi
{
    public static void Map(IEndpointRouteBuilder routes, Admission admission, SolveRequests requests, QueryPipeline pipeline, Settled settled)
    {
        routes.MapPost("/api/v1/solve", admission.Placed(context => SolveAsync(context, requests, pipeline)));
        routes.MapGet("/api/v1/answers/{id}", admission.Known(context => AnswerAsync(context, settled)));
    }

    private static async Task SolveAsync(HttpContext context, SolveRequests requests, QueryPipeline pipeline)
    {
        var query = await requests.ReadAsync(context.Request);
        var answer = await pipeline.AskAsync(query, context.RequestAborted) switch
        {
            QueryOutcome.Answered(var given) => given,
            QueryOutcome.Refused refused => throw ApiError.Of(refused),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        await context.Response.WriteAsJsonAsync(AnswerBody.Of(answer), ServeJson.Default.AnswerBody, cancellationToken: context.RequestAborted);
    }

    private static Task AnswerAsync(HttpContext context, Settled settled)
    {
        var id = (string)context.Request.RouteValues["id"]!;
        var told = settled.Told(id) ?? throw new ApiError(
            StatusCodes.Status404NotFound, "unknown_id", $"there is no answer '{(id.Length > 64 ? id[..64] : id)}': it is unknown, or older than the last {AnswerStore.Most}");
        var status = told.Correction is not null ? "corrected" : told.Answer?.CorrectionId is not null ? "pending" : "final";
        var body = new StoredBody(told.Id, status, told.Answer is { } answer ? AnswerBody.Of(answer) : null, told.Correction is { } correction ? CorrectionEvent.Of(told.Id, correction) : null);
        return context.Response.WriteAsJsonAsync(body, ServeJson.Default.StoredBody, cancellationToken: context.RequestAborted);
    }
}

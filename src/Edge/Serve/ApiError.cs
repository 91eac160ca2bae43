using System.Globalization;
using Microsoft.AspNetCore.Http;
using Vlm.Edge.Queries;

namespace Vlm.Edge.Serve;

/// <summary>A request that is not answered, in the shape of OpenAI's error objects. Thrown by readers, written in one place.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="code">The reason in snake case, for programs; also a metric label.</param>
/// <param name="message">What was expected, what was found, what to do.</param>
internal sealed class ApiError(int status, string code, string message) : Exception(message)
{
    public int Status => status;

    public string Code => code;

    /// <summary>When to try again; null when that would not help.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public static ApiError BadRequest(string message) => new(StatusCodes.Status400BadRequest, "bad_request", message);

    public static ApiError Of(QueryOutcome.Refused refused) => refused.Reason switch
    {
        RefusalReason.Busy => new ApiError(StatusCodes.Status503ServiceUnavailable, "busy", refused.Detail) { RetryAfter = TimeSpan.FromSeconds(1) },
        RefusalReason.Deadline => new ApiError(StatusCodes.Status504GatewayTimeout, "deadline", refused.Detail),
        RefusalReason.Picture => new ApiError(StatusCodes.Status422UnprocessableEntity, "picture", refused.Detail),
        RefusalReason.CodeTooLong => new ApiError(StatusCodes.Status422UnprocessableEntity, "code_too_long", refused.Detail),
        RefusalReason.Cancelled => new ApiError(StatusCodes.Status499ClientClosedRequest, "cancelled", refused.Detail),
        RefusalReason.ModelFailed => new ApiError(StatusCodes.Status500InternalServerError, "model_failed", refused.Detail),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>Writes it, if nothing was written yet.</summary>
    public Task WriteAsync(HttpContext context)
    {
        if (context.Response.HasStarted) return Task.CompletedTask;
        context.Response.Clear();
        context.Response.StatusCode = status;
        if (RetryAfter is { } wait) context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        var type = status switch { 401 => "authentication_error", 429 => "rate_limit_error", < 500 => "invalid_request_error", _ => "server_error" };
        return context.Response.WriteAsJsonAsync(new ErrorBody(new ErrorObject(Message, type, null, code)), ServeJson.Default.ErrorBody, cancellationToken: CancellationToken.None);
    }
}

internal sealed record ErrorBody(ErrorObject Error);

internal sealed record ErrorObject(string Message, string Type, string? Param, string Code);

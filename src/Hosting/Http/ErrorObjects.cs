using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Vlm.Hosting.Http;

/// <summary>Who counts requests that were not answered.</summary>
public interface IRefusalCounter
{
    /// <summary>A request ended with an error object, or broke off for this reason.</summary>
    void CountRefused(ErrorReason reason);

    /// <summary>The client went away before its answer.</summary>
    void CountDisconnected();
}

/// <summary>
/// The outermost part of the pipeline: whatever goes wrong, the client gets a status and an error object, and the outcome is counted. Every answer says the id
/// of its request, and that it is neither to be kept nor to be taken for another type.
/// </summary>
public sealed class ErrorObjects(RequestDelegate next, IRefusalCounter counter, ILogger<ErrorObjects> log)
{
    /// <summary>The header with the id of a request: the client's own, or one that is made here.</summary>
    public const string RequestIdHeader = "X-Request-Id";

    private const int LongestId = 200;

    /// <summary>Handles a request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        Mark(context);
        try
        {
            await next(context);
            if (Unanswered(context) is { } error) await WriteAsync(context, error);
        }
        catch (Exception e) when (context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            counter.CountDisconnected();
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            await WriteAsync(context, ToError(e, context.TraceIdentifier));
        }
        catch (ApiException e)
        {
            // A stream that broke off has said why in an event of its own.
            counter.CountRefused(e.Reason);
        }
        catch (Exception e)
        {
            // The answer has begun: the connection is all that can still be cut.
            log.AnswerBroke(e, context.TraceIdentifier);
            counter.CountRefused(ErrorReason.Internal);
            context.Abort();
        }
    }

    private static void Mark(HttpContext context)
    {
        var own = context.Request.Headers[RequestIdHeader].ToString();
        var isFine = own.Length is > 0 and <= LongestId && own.All(each => each is > ' ' and < (char)0x7F);
        context.TraceIdentifier = isFine ? own : Guid.NewGuid().ToString("N");
        var headers = context.Response.Headers;
        headers[RequestIdHeader] = context.TraceIdentifier;
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
    }

    private ApiException ToError(Exception e, string request)
    {
        switch (e)
        {
            case ApiException known: return known;
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return new ApiException(ErrorReason.RequestTooLarge, "The body is larger than this server takes. Send a smaller picture.");
            case BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout }:
                return new ApiException(ErrorReason.BodyTimeout, "The body came too slowly.");
            case BadHttpRequestException bad: return new ApiException(ErrorReason.InvalidRequest, bad.Message);
            default:
                log.Unexpected(e, request);
                return new ApiException(ErrorReason.Internal, $"The server failed. Its log says why, under the request {request}.");
        }
    }

    /// <summary>Routing answers with a bare status; clients expect an object.</summary>
    private static ApiException? Unanswered(HttpContext context)
    {
        if (context.Response.HasStarted || context.Response.ContentType is not null) return null;
        var what = $"{context.Request.Method} {context.Request.Path}";
        return context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => new ApiException(ErrorReason.NotFound, $"There is no {what}. See /v1/chat/completions and /v1/models."),
            StatusCodes.Status405MethodNotAllowed => new ApiException(ErrorReason.MethodNotAllowed, $"{what} is not allowed; the header Allow says what is."),
            _ => null,
        };
    }

    private async Task WriteAsync(HttpContext context, ApiException error)
    {
        counter.CountRefused(error.Reason);
        var response = context.Response;
        response.StatusCode = (int)error.Reason.Shape().Status;
        if (error.RetryAfter is { } wait)
            response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (error.Reason == ErrorReason.InvalidApiKey)
        {
            var isBrowser = context.GetEndpoint()?.Metadata.GetMetadata<BrowserRoute>() is not null;
            response.Headers.WWWAuthenticate = isBrowser ? "Basic realm=\"the key, as password\", charset=\"UTF-8\"" : "Bearer";
        }
        // The rest of such a body is not read, so nothing can follow it on this connection; without being told, a client would try.
        if (error.Reason is ErrorReason.RequestTooLarge or ErrorReason.BodyTimeout) response.Headers.Connection = "close";
        // The official clients repeat every 408, 429 and 5xx; with the deadline gone that would be work for nobody.
        if (error.Reason == ErrorReason.DeadlineExceeded) response.Headers["x-should-retry"] = "false";
        await response.WriteAsJsonAsync(error.ToBody(), ErrorJson.Default.ErrorBody, cancellationToken: context.RequestAborted);
    }
}

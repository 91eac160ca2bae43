using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Vlm.Hosting.Http;

namespace Vlm.Hosting.Chat;

/// <summary>The JSON of a request to the chat interface.</summary>
public static class RequestBody
{
    private const int MaxDepth = 32;
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    /// <summary>Reads a body whole.</summary>
    /// <param name="request">The request.</param>
    /// <param name="maxBytes">A longer one is refused.</param>
    /// <param name="patience">A slower one is refused.</param>
    /// <param name="time">Clock of the patience.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="ApiException">It is not sent as plain JSON, is too long or too slow.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, int maxBytes, TimeSpan patience, TimeProvider time,
        CancellationToken cancellation)
    {
        CheckHeaders(request, maxBytes);
        using var slow = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(slow.Token, cancellation);
        // A chunked body says no length; Kestrel stops it at the limit.
        using var body = new MemoryStream((int)(request.ContentLength ?? 0));
        try
        {
            await request.Body.CopyToAsync(body, either.Token);
        }
        catch (OperationCanceledException) when (slow.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ApiException(ErrorReason.BodyTimeout, $"The body did not arrive within {patience.TotalSeconds} s.");
        }
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    /// <summary>The question in a body.</summary>
    /// <exception cref="ApiException">It is not JSON, or cannot be answered.</exception>
    public static ChatRequest Parse(ReadOnlyMemory<byte> body, ChatRules rules)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Strict);
            return ChatRequestReader.Read(document.RootElement, rules);
        }
        catch (JsonException e)
        {
            throw new ApiException(ErrorReason.InvalidRequest, $"The body is not JSON that can be read: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            // How the reader reports a string that is no Unicode text.
            throw new ApiException(ErrorReason.InvalidRequest, "The body has a string that is not valid Unicode.");
        }
    }

    private static void CheckHeaders(HttpRequest request, int maxBytes)
    {
        if (!request.HasJsonContentType())
            throw new ApiException(ErrorReason.UnsupportedMediaType, $"The body must be JSON with Content-Type application/json, not '{request.ContentType}'.");
        CheckCharset(request.ContentType);
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity")
            throw new ApiException(ErrorReason.UnsupportedMediaType,
                $"A body with Content-Encoding '{request.Headers.ContentEncoding}' is not read. Send it plain.");
        if (request.ContentLength > maxBytes)
            throw new ApiException(ErrorReason.RequestTooLarge,
                $"The body has {request.ContentLength} bytes; at most {maxBytes} are taken. Send a smaller picture.");
    }

    /// <summary>JSON is UTF-8 (RFC 8259); a client that says something else sends something else.</summary>
    private static void CheckCharset(string? contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type) || !type.Charset.HasValue) return;
        var charset = HeaderUtilities.RemoveQuotes(type.Charset);
        if (!charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase))
            throw new ApiException(ErrorReason.InvalidRequest, $"The body's charset is '{charset}'; JSON is read as UTF-8. Send it as UTF-8.", "Content-Type");
    }
}

using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Vlm.Hosting.Http;

namespace Vlm.Hosting.Chat;

/// <summary>How much of a body is read, and how long.</summary>
/// <param name="MaxBytes">A longer one is refused.</param>
/// <param name="Patience">A slower one is refused.</param>
/// <param name="Time">Clock of the patience.</param>
/// <param name="Memory">What all bodies share.</param>
public sealed record BodyLimits(int MaxBytes, TimeSpan Patience, TimeProvider Time, BodyMemory Memory);

/// <summary>The bodies of requests, and the JSON of one to the chat interface.</summary>
public static class RequestBody
{
    private const int MaxDepth = 32;
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    /// <summary>Reads a body of JSON whole.</summary>
    /// <param name="request">The request.</param>
    /// <param name="limits">How much and how long.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="ApiException">It is not sent as plain JSON, is too long or too slow, or there is no memory for it.</exception>
    public static Task<ReadOnlyMemory<byte>> ReadJsonAsync(HttpRequest request, BodyLimits limits, CancellationToken cancellation)
    {
        if (!request.HasJsonContentType())
            throw new ApiException(ErrorReason.UnsupportedMediaType, $"The body must be JSON with Content-Type application/json, not '{request.ContentType}'.");
        CheckCharset(request.ContentType);
        return ReadAsync(request, limits, cancellation);
    }

    /// <summary>Reads a body whole, of whatever type. What it takes of the memory for bodies is given back when the request is over.</summary>
    /// <param name="request">The request.</param>
    /// <param name="limits">How much and how long.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="ApiException">It is packed, too long or too slow, or there is no memory for it.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, BodyLimits limits, CancellationToken cancellation)
    {
        using var blocks = await ReadBlocksAsync(request, limits, cancellation);
        return blocks.Copy(0, blocks.Length);
    }

    /// <summary>The same, in blocks: of a body of which a part is wanted, nothing else need lie in one piece. To be disposed.</summary>
    /// <inheritdoc cref="ReadAsync"/>
    public static async Task<BodyBlocks> ReadBlocksAsync(HttpRequest request, BodyLimits limits, CancellationToken cancellation)
    {
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity")
        {
            throw new ApiException(ErrorReason.UnsupportedMediaType,
                $"A body with Content-Encoding '{request.Headers.ContentEncoding}' is not read. Send it plain.");
        }
        if (request.ContentLength > limits.MaxBytes)
        {
            throw new ApiException(ErrorReason.RequestTooLarge,
                $"The body has {request.ContentLength} bytes; at most {limits.MaxBytes} are taken. Send a smaller picture.");
        }
        using var slow = new CancellationTokenSource(limits.Patience, limits.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(slow.Token, cancellation);
        var share = limits.Memory.Open();
        request.HttpContext.Response.RegisterForDispose(share);
        try
        {
            return await BodyBlocks.ReadAsync(request.Body, share, either.Token);
        }
        catch (OperationCanceledException) when (slow.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ApiException(ErrorReason.BodyTimeout, $"The body did not arrive within {limits.Patience.TotalSeconds} s.");
        }
    }

    /// <summary>The question in a body.</summary>
    /// <exception cref="ApiException">It is not JSON, or cannot be answered.</exception>
    public static ChatRequest Parse(ReadOnlyMemory<byte> body, ChatRules rules) => Parse(body, root => ChatRequestReader.Read(root, rules));

    /// <summary>What a reader makes of a body.</summary>
    /// <exception cref="ApiException">It is not JSON, or what the reader threw.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> body, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Strict);
            return read(document.RootElement);
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

    /// <summary>JSON is UTF-8 (RFC 8259); a client that says something else sends something else.</summary>
    private static void CheckCharset(string? contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type) || !type.Charset.HasValue) return;
        var charset = HeaderUtilities.RemoveQuotes(type.Charset);
        if (!charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase))
            throw new ApiException(ErrorReason.InvalidRequest, $"The body's charset is '{charset}'; JSON is read as UTF-8. Send it as UTF-8.", "Content-Type");
    }
}

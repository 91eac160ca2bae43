using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Vlm.Escalation.Errors;
using Vlm.Escalation.Keys;
using Vlm.Escalation.Observability;
using Vlm.Escalation.Settings;
using Vlm.Escalation.Work;

namespace Vlm.Escalation.Chat;

/// <summary><c>POST /v1/chat/completions</c>: place in the queue, body, question, job, answer.</summary>
internal sealed class ChatApi(EscalationOptions options, ModelSlot slot, SolveQueue queue, IdempotencyMemory memory, ChatSurroundings surroundings)
{
    /// <summary>How many milliseconds the caller will wait for the answer; less than the server's own limit.</summary>
    public const string DeadlineHeader = "X-Request-Deadline-Ms";

    /// <summary>Names a logical request: repeated with the same body it gets the same answer.</summary>
    public const string IdempotencyHeader = "Idempotency-Key";

    private const int MaxKeyLength = 255;
    private const int MaxDepth = 32;
    private static readonly JsonDocumentOptions Json = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    private readonly TimeProvider _time = surroundings.Time;

    public async Task CompleteAsync(HttpContext context)
    {
        var model = slot.Required();
        var deadline = Deadline(context.Request);
        var start = _time.GetTimestamp();
        using var place = queue.Enter(deadline);
        using var expiry = new CancellationTokenSource(deadline, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(expiry.Token, context.RequestAborted);
        try
        {
            var body = await BodyAsync(context.Request, either.Token);
            var request = ToRequest(body);
            var job = Start(context, body, request);
            try
            {
                var answer = await SendAsync(context, model, (job, request.Settings), either.Token);
                surroundings.Metrics.Delivered(answer.PromptTokens, answer.CompletionTokens, answer.IsCut, _time.GetElapsedTime(start));
            }
            finally
            {
                job.Leave();
            }
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            throw Late();
        }
    }

    /// <summary>What is said when the time is up.</summary>
    public static ApiException Late() => new(ErrorReason.DeadlineExceeded, "The deadline passed before the answer was there. The work was stopped.");

    private TimeSpan Deadline(HttpRequest request)
    {
        var most = TimeSpan.FromSeconds(options.Limits.DeadlineSeconds);
        if (request.Headers[DeadlineHeader].ToString() is not { Length: > 0 } text) return most;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) || milliseconds < 1)
            throw new ApiException(ErrorReason.InvalidRequest, $"{DeadlineHeader} must be a whole number of milliseconds, at least 1.", DeadlineHeader);
        return milliseconds < most.TotalMilliseconds ? TimeSpan.FromMilliseconds(milliseconds) : most;
    }

    private async Task<ReadOnlyMemory<byte>> BodyAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (!request.HasJsonContentType())
            throw new ApiException(ErrorReason.UnsupportedMediaType, $"The body must be JSON with Content-Type application/json, not '{request.ContentType}'.");
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity")
            throw new ApiException(ErrorReason.UnsupportedMediaType, $"A body with Content-Encoding '{request.Headers.ContentEncoding}' is not read. Send it plain.");
        var limit = options.Limits.BodyBytes;
        if (request.ContentLength > limit)
            throw new ApiException(ErrorReason.RequestTooLarge, $"The body has {request.ContentLength} bytes; at most {limit} are taken. Send a smaller picture.");

        using var slow = new CancellationTokenSource(TimeSpan.FromSeconds(options.Limits.BodySeconds), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(slow.Token, cancellation);
        // A chunked body says no length; Kestrel stops it at the limit.
        using var body = new MemoryStream((int)(request.ContentLength ?? 0));
        try
        {
            await request.Body.CopyToAsync(body, either.Token);
        }
        catch (OperationCanceledException) when (slow.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ApiException(ErrorReason.BodyTimeout, $"The body did not arrive within {options.Limits.BodySeconds} s.");
        }
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private ChatRequest ToRequest(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Json);
            // Drawn for every request that gives none; the answer then differs from time to time, as its temperature asks for.
            var seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
            return ChatRequestReader.Read(document.RootElement, new ChatRules(options.Model.ServedName, options.Limits.PicturePixels, seed));
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

    private SolveJob Start(HttpContext context, ReadOnlyMemory<byte> body, ChatRequest request)
    {
        SolveJob New()
        {
            var job = new SolveJob(request, _time);
            queue.Add(job);
            return job;
        }

        var key = context.Request.Headers[IdempotencyHeader].ToString();
        if (key.Length > MaxKeyLength) throw new ApiException(ErrorReason.InvalidRequest, $"{IdempotencyHeader} has {key.Length} characters; at most {MaxKeyLength} are taken.", IdempotencyHeader);
        if (key.Length > 0) return memory.Join((KeyCheck.Caller(context), key), SHA256.HashData(body.Span), New);
        var own = New();
        own.TryJoin();
        return own;
    }

    private async Task<Answer> SendAsync(HttpContext context, IModel model, (SolveJob Job, ChatSettings Settings) work, CancellationToken cancellation)
    {
        var reply = new ChatReply(options.Model.ServedName, model.Fingerprint, work.Settings);
        context.Response.Headers["X-Request-Id"] = work.Job.Id;
        if (work.Settings.IsStream)
            return await new ChatStream(context.Response, reply, work.Job, work.Settings).WriteAsync(model.ReplyStart, cancellation, context.RequestAborted);
        var answer = await work.Job.Answer.WaitAsync(cancellation);
        await context.Response.WriteAsJsonAsync(reply.Whole(answer), ChatJson.Default.ChatCompletion, cancellationToken: cancellation);
        return answer;
    }
}

/// <summary>What the interface reports to, and its clock.</summary>
internal sealed record ChatSurroundings(ServerMetrics Metrics, TimeProvider Time);

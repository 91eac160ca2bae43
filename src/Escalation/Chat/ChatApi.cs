using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Escalation.Work;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Chat;

/// <summary><c>POST /v1/chat/completions</c>: body, place in the queue, question, job, answer.</summary>
internal sealed class ChatApi(LimitOptions limits, ModelSlot slot, SolveQueue queue, IdempotencyMemory memory, Instruments instruments)
{
    /// <summary>How many milliseconds the caller will wait for the answer; less than the server's own limit.</summary>
    public const string DeadlineHeader = "X-Request-Deadline-Ms";

    /// <summary>Names a logical request: repeated with the same body it gets the same answer.</summary>
    public const string IdempotencyHeader = "Idempotency-Key";

    private const int MaxKeyLength = 255;
    private readonly TimeProvider _time = instruments.Time;
    private readonly BodyLimits _body = new(limits.BodyBytes, TimeSpan.FromSeconds(limits.BodySeconds), instruments.Time, new BodyMemory(limits.BodyBytes));

    /// <summary>Adds the route.</summary>
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/chat/completions", CompleteAsync);

    private async Task CompleteAsync(HttpContext context)
    {
        var model = slot.Required();
        var deadline = Deadline(context.Request);
        var start = _time.GetTimestamp();
        queue.CheckRoom(deadline);
        using var expiry = new CancellationTokenSource(deadline, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(expiry.Token, context.RequestAborted);
        try
        {
            var body = await ReadAsync(context.Request, either.Token);
            using var place = queue.Enter(deadline - _time.GetElapsedTime(start));
            var request = ToRequest(body);
            var job = Start(context, body, request);
            try
            {
                var answer = await SendAsync(context, model, (job, request.Settings), either.Token);
                instruments.Metrics.Delivered(answer.PromptTokens, answer.CompletionTokens, answer.IsCut, _time.GetElapsedTime(start));
            }
            finally
            {
                job.Leave();
            }
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            throw TooLate();
        }
    }

    /// <summary>What is said when the time is up.</summary>
    public static ApiException TooLate() => new(ErrorReason.DeadlineExceeded, "The deadline passed before the answer was there. The work was stopped.");

    private async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        using var coming = queue.Expect();
        return await RequestBody.ReadJsonAsync(request, _body, cancellation);
    }

    private TimeSpan Deadline(HttpRequest request)
    {
        var most = TimeSpan.FromSeconds(limits.DeadlineSeconds);
        if (request.Headers[DeadlineHeader].ToString() is not { Length: > 0 } text) return most;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) || milliseconds < 1)
            throw new ApiException(ErrorReason.InvalidRequest, $"{DeadlineHeader} must be a whole number of milliseconds, at least 1.", DeadlineHeader);
        return milliseconds < most.TotalMilliseconds ? TimeSpan.FromMilliseconds(milliseconds) : most;
    }

    private ChatRequest ToRequest(ReadOnlyMemory<byte> body)
    {
        // Drawn for every request that gives none; the answer then differs from time to time, as its temperature asks for.
        var seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        return RequestBody.Parse(body, new ChatRules(slot.Name, limits.PicturePixels, seed));
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
        if (key.Length > MaxKeyLength)
        {
            throw new ApiException(ErrorReason.InvalidRequest, $"{IdempotencyHeader} has {key.Length} characters; at most {MaxKeyLength} are taken.",
                IdempotencyHeader);
        }
        if (key.Length > 0) return memory.Join((KeyCheck.Caller(context).Name, key), SHA256.HashData(body.Span), New);
        var own = New();
        own.TryJoin();
        return own;
    }

    private async Task<Answer> SendAsync(HttpContext context, IModel model, (SolveJob Job, ChatSettings Settings) work, CancellationToken cancellation)
    {
        var reply = new ChatReply(slot.Name, model.Fingerprint, work.Settings);
        if (work.Settings.IsStream)
            return await new ChatStream(context.Response, reply, work.Job, work.Settings).WriteAsync(model.ReplyStart, cancellation, context.RequestAborted);
        var answer = await work.Job.Answer.WaitAsync(cancellation);
        await context.Response.WriteAsJsonAsync(reply.Whole(answer), ChatJson.Default.ChatCompletion, cancellationToken: cancellation);
        return answer;
    }
}

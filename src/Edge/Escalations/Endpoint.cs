using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;
using Vlm.Text;

namespace Vlm.Edge.Escalations;

/// <summary>One endpoint while the program runs: its breaker, and one request to it.</summary>
internal sealed class Endpoint : IDisposable
{
    /// <summary>What is left until the deadline, in whole milliseconds, for a server that sheds what cannot be done in time.</summary>
    public const string DeadlineHeader = "X-Request-Deadline-Ms";

    /// <summary>The key under which a server keeps the outcome.</summary>
    public const string IdempotencyHeader = "Idempotency-Key";

    /// <summary>The name of the request in both sides' logs.</summary>
    public const string RequestIdHeader = "X-Request-Id";

    // Enough for the message of an error.
    private const int ErrorBytes = 4096;

    private readonly EscalationOptions _options;
    private readonly HttpClient _client;
    private readonly EscalationMeters _meters;
    private readonly TimeProvider _time;
    private readonly ResiliencePipeline<Attempt> _pipeline;
    private readonly CircuitBreakerStateProvider _breaker = new();
    private readonly Uri _root;

    public Endpoint(EndpointOptions own, EscalationOptions options, Instruments instruments)
    {
        (Own, _options, _meters, _time) = (own, options, instruments.Meters, instruments.Time);
        _client = new HttpClient(EndpointTls.Handler(own, options)) { Timeout = Timeout.InfiniteTimeSpan };
        _root = new Uri(own.Url.TrimEnd('/') + "/");
        _pipeline = Pipeline();
    }

    /// <summary>Its options.</summary>
    public EndpointOptions Own { get; }

    /// <summary>Whether its breaker lets calls through.</summary>
    public CircuitState State => _breaker.CircuitState;

    /// <summary>The request's body for this endpoint; null when it is above the limit.</summary>
    public byte[]? Body(Escalation escalation)
    {
        var body = ChatRequest.Body(escalation, Own);
        return body.Length <= Own.BodyLimitBytes ? body : null;
    }

    /// <summary>One request: breaker, attempt timeout, sending, checking.</summary>
    /// <param name="call">The call that the request belongs to.</param>
    /// <param name="body">Its body.</param>
    /// <param name="left">Time that is left until the deadline.</param>
    /// <returns>How it ended; never throws for what the network or the caller does.</returns>
    public async Task<Attempt> AskAsync(Call call, byte[] body, TimeSpan left)
    {
        var attempt = await GuardedAsync(call, body, left);
        if (attempt is not Attempt.NotSent) _meters.Attempted(Own.Name, attempt is Attempt.Failed failed ? failed.Reason.ToLabel() : "answered", body.Length);
        return attempt;
    }

    /// <summary>Whether the endpoint says that it is well; true when it has no path to ask.</summary>
    public async Task<bool> IsWellAsync(CancellationToken cancellation)
    {
        if (Own.HealthPath is not { } path) return true;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(_options.ConnectTimeoutSeconds), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            using var response = await _client.GetAsync(new Uri(_root, path), HttpCompletionOption.ResponseHeadersRead, either.Token);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>The request behind the breaker and within the attempt timeout; a caller that left ends it.</summary>
    private async Task<Attempt> GuardedAsync(Call call, byte[] body, TimeSpan left)
    {
        try
        {
            return await _pipeline.ExecuteAsync(async token => await WithinAsync(call, SendAsync(call.Escalation, body, left, token)), call.Ended);
        }
        catch (BrokenCircuitException broken)
        {
            return new Attempt.NotSent(broken.RetryAfter ?? TimeSpan.FromSeconds(_options.BreakerBreakSeconds));
        }
        catch (TimeoutRejectedException)
        {
            // Not repeated: the endpoint is slow, and would do the work twice.
            return new Attempt.Failed(EscalationFailure.Timeout,
                $"{Own.Name} did not answer within {_options.AttemptTimeoutSeconds} s")
            { IsEndpointsFault = true };
        }
        catch (OperationCanceledException) when (call.Ended.IsCancellationRequested)
        {
            return call.GiveUp();
        }
    }

    private ResiliencePipeline<Attempt> Pipeline() => new ResiliencePipelineBuilder<Attempt> { TimeProvider = _time }
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions<Attempt>
        {
            FailureRatio = _options.BreakerRatio,
            MinimumThroughput = _options.BreakerMinimum,
            SamplingDuration = TimeSpan.FromSeconds(_options.BreakerSamplingSeconds),
            BreakDuration = TimeSpan.FromSeconds(_options.BreakerBreakSeconds),
            StateProvider = _breaker,
            // A caller that left is none of these, and speaks for nothing.
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome switch
            {
                { Result: Attempt.Failed failed } => failed.IsEndpointsFault,
                { Exception: TimeoutRejectedException } => true,
                _ => false,
            }),
        })
        .AddTimeout(new TimeoutStrategyOptions { Timeout = TimeSpan.FromSeconds(_options.AttemptTimeoutSeconds) })
        .Build();

    /// <summary>A deadline that passed during the attempt speaks against the endpoint, as an attempt timeout does; a caller that left does not.</summary>
    private static async Task<Attempt> WithinAsync(Call call, Task<Attempt> sending)
    {
        try
        {
            return await sending;
        }
        catch (OperationCanceledException) when (call.Ended.IsCancellationRequested && !call.Caller.IsCancellationRequested)
        {
            return call.GiveUp() with { IsEndpointsFault = true };
        }
    }

    private async Task<Attempt> SendAsync(Escalation escalation, byte[] body, TimeSpan left, CancellationToken cancellation)
    {
        try
        {
            using var request = Request(escalation, body, left);
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            return response.IsSuccessStatusCode
                ? await AnswerAsync(response, escalation.Code, cancellation)
                : await RefusalAsync(response, cancellation);
        }
        catch (HttpRequestException error)
        {
            return AttemptRules.OfError(error);
        }
        catch (IOException error)
        {
            return new Attempt.Failed(EscalationFailure.ServerError, $"the reply broke off: {error.Message}") { IsEndpointsFault = true };
        }
        catch (OperationCanceledException error) when (error.InnerException is TimeoutException && !cancellation.IsCancellationRequested)
        {
            return new Attempt.Failed(EscalationFailure.Offline, $"no connection within {_options.ConnectTimeoutSeconds} s")
            {
                IsEndpointsFault = true,
                MayRepeat = true,
            };
        }
        catch (KeyException error)
        {
            return new Attempt.Failed(EscalationFailure.Rejected, error.Message);
        }
    }

    private HttpRequestMessage Request(Escalation escalation, byte[] body, TimeSpan left)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_root, "chat/completions")) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (Key() is { } key) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Add(IdempotencyHeader, escalation.Id);
        request.Headers.Add(RequestIdHeader, escalation.Id);
        var milliseconds = Math.Max(1, Math.Min(left.TotalMilliseconds, _options.AttemptTimeoutSeconds * 1000));
        request.Headers.Add(DeadlineHeader, ((long)milliseconds).ToString(CultureInfo.InvariantCulture));
        return request;
    }

    private string? Key()
    {
        try
        {
            return Own.ReadKey();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new KeyException($"{Own.Name}: the API key cannot be read: {error.Message}", error);
        }
    }

    private async Task<Attempt> AnswerAsync(HttpResponseMessage response, string code, CancellationToken cancellation)
    {
        var type = response.Content.Headers.ContentType?.MediaType;
        if (type != "application/json") return AttemptRules.Garbage($"expected application/json, found {type ?? "no content type"}");
        var body = await BoundedAsync(response, _options.ReplyLimitBytes, cancellation);
        return body is null
            ? AttemptRules.Garbage($"expected a reply of at most {_options.ReplyLimitBytes} bytes, found a longer one")
            : ChatReply.Read(body, code, Own);
    }

    private async Task<Attempt> RefusalAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var retryAfter = AttemptRules.RetryAfter(response.Headers.RetryAfter, _time.GetUtcNow());
        string? said = null;
        try
        {
            if (await BoundedAsync(response, ErrorBytes, cancellation) is { Length: > 0 } body)
                said = JsonSerializer.Deserialize(body, ChatJson.Default.ChatError)?.Error?.Message;
        }
        catch (Exception error) when (error is JsonException or IOException or HttpRequestException)
        {
            // The status says enough; gateways often send HTML or nothing.
            said = null;
        }

        return AttemptRules.OfStatus(response.StatusCode, said is { Length: > 300 } ? said[..300] + "…" : said ?? "", retryAfter);
    }

    /// <summary>The body; null when it is longer than the limit, whatever its headers say.</summary>
    private static async Task<byte[]?> BoundedAsync(HttpResponseMessage response, int limit, CancellationToken cancellation)
    {
        if (response.Content.Headers.ContentLength > limit) return null;
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        using var body = new MemoryStream();
        var buffer = new byte[8192];
        while (await stream.ReadAsync(buffer, cancellation) is > 0 and var read)
        {
            if (body.Length + read > limit) return null;
            body.Write(buffer, 0, read);
        }

        return body.ToArray();
    }

    /// <summary>The API key cannot be had.</summary>
    private sealed class KeyException(string message, Exception inner) : Exception(message, inner);
}

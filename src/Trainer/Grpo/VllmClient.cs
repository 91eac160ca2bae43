using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vlm.Trainer.Grpo;

/// <summary>Why a server was given up for the rest of a step; each is a metric.</summary>
internal enum VllmFailure
{
    /// <summary>No connection, or it broke off.</summary>
    Unreachable,

    /// <summary>No reply in time.</summary>
    TimedOut,

    /// <summary>It has more to do than it takes (429, 503).</summary>
    Busy,

    /// <summary>It failed (any other 5xx).</summary>
    ServerError,

    /// <summary>It does not know the adapter that it was given, as after a restart.</summary>
    AdapterMissing,

    /// <summary>A reply that is not as asked for.</summary>
    BadReply,
}

/// <summary>A server that cannot be asked further in this step; another may answer.</summary>
internal sealed class VllmException(VllmFailure reason, string message, Exception? inner = null) : Exception(message, inner)
{
    public VllmFailure Reason => reason;
}

/// <summary>A prompt for a server.</summary>
/// <param name="Adapter">The name under which it was given the adapter.</param>
/// <param name="Before">The prompt's text before the picture, control tokens written out.</param>
/// <param name="Png">The picture.</param>
/// <param name="After">The text after it, up to where the reply begins.</param>
/// <param name="Sampling">How replies are drawn.</param>
/// <param name="Seed">Of the first completion.</param>
internal sealed record VllmPrompt(string Adapter, string Before, byte[] Png, string After, VllmSampling Sampling, long Seed);

/// <summary>How replies are drawn; the same for all prompts of a run.</summary>
/// <param name="Samples">Completions per prompt.</param>
/// <param name="Temperature">Divides the logits.</param>
/// <param name="MostTokens">A completion is cut there.</param>
/// <param name="Stops">Tokens that end one.</param>
/// <param name="Never">Tokens that are not drawn: those that stand for pictures.</param>
internal sealed record VllmSampling(int Samples, double Temperature, int MostTokens, int[] Stops, int[] Never);

/// <summary>What a server wrote.</summary>
/// <param name="Ids">[T] the stop token included.</param>
/// <param name="LogProbabilities">[T]</param>
/// <param name="Truncated">Whether the limit on tokens cut it.</param>
internal sealed record VllmCompletion(int[] Ids, float[] LogProbabilities, bool Truncated);

/// <summary>The prompt as a server reads it, and what it wrote.</summary>
internal sealed record VllmReply(int[] PromptIds, IReadOnlyList<VllmCompletion> Completions);

/// <summary>One vLLM server: <c>/v1/chat/completions</c> with its extensions for token ids, and its endpoints for adapters. Shared by threads.</summary>
/// <remarks>
/// The chat endpoint is the one that takes pictures. The template that goes with each request writes text and picture one after the other and nothing
/// else, so any prompt arrives as it is; what the server made of it comes back in <c>prompt_token_ids</c> and is to be held against one's own.
/// Every setting is given: a server's own come from the model's <c>generation_config.json</c>, with penalties and cuts that a trainer knows nothing of.
/// </remarks>
internal sealed class VllmClient : IDisposable
{
    private const string AsItIs = "{% for message in messages %}{% for content in message['content'] %}{% if content['type'] == 'text' %}"
        + "{{ content['text'] }}{% else %}<|vision_start|><|image_pad|><|vision_end|>{% endif %}{% endfor %}{% endfor %}";

    private const double NeverBias = -100;
    private const int MostReplyBytes = 256 << 20, MostSaid = 400;
    private static readonly TimeSpan Connect = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly HttpClient _client;

    /// <param name="address">Such as http://gpu-1:8000.</param>
    /// <param name="timeout">Of one request.</param>
    /// <param name="key">The server's <c>--api-key</c>; null: none.</param>
    public VllmClient(Uri address, TimeSpan timeout, string? key)
    {
        Address = address;
        _client = new HttpClient(new SocketsHttpHandler { ConnectTimeout = Connect, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(address.AbsoluteUri.TrimEnd('/') + "/"),
            Timeout = timeout,
            MaxResponseContentBufferSize = MostReplyBytes,
        };
        if (key is not null) _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public Uri Address { get; }

    /// <summary>Gives the server an adapter; one of the same name is taken as the same.</summary>
    /// <param name="name">Under which it will be asked for.</param>
    /// <param name="path">PEFT's folder, as the server sees it.</param>
    /// <exception cref="VllmException">It cannot be asked now.</exception>
    /// <exception cref="UserException">It refuses.</exception>
    public async Task LoadAsync(string name, string path)
    {
        using var response = await PostAsync("v1/load_lora_adapter", new { lora_name = name, lora_path = path });
        if (response.IsSuccessStatusCode) return;
        var said = await SaidAsync(response);
        if (response.StatusCode == HttpStatusCode.BadRequest && said.Contains("already been loaded", StringComparison.Ordinal)) return;
        throw (Exception?)Failed(response.StatusCode, said)
            ?? new UserException(
                $"'{Address}' does not take the adapter '{path}': {said}. Start it with --enable-lora, --max-lora-rank of the run's rank at least, and "
                + "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, where it sees that folder (vllm.adapter_folder_of_servers).");
    }

    /// <summary>Takes an adapter away; one that is not there is no error.</summary>
    /// <exception cref="VllmException">It cannot be asked now.</exception>
    public async Task UnloadAsync(string name)
    {
        using var response = await PostAsync("v1/unload_lora_adapter", new { lora_name = name });
        if (!response.IsSuccessStatusCode && Failed(response.StatusCode, await SaidAsync(response)) is { } failure) throw failure;
    }

    /// <summary>Completions of one prompt, with token ids and log-probabilities.</summary>
    /// <exception cref="VllmException">It cannot be asked now, or its reply is not as asked for.</exception>
    /// <exception cref="UserException">It refuses.</exception>
    public async Task<VllmReply> CompleteAsync(VllmPrompt prompt)
    {
        using var response = await PostAsync("v1/chat/completions", Body(prompt));
        if (response.IsSuccessStatusCode) return Read(await TryAsync(() => response.Content.ReadAsByteArrayAsync()), prompt.Sampling);
        var said = await SaidAsync(response);
        if (response.StatusCode == HttpStatusCode.NotFound) throw new VllmException(VllmFailure.AdapterMissing, $"'{Address}' answered 404: {said}");
        throw (Exception?)Failed(response.StatusCode, said)
            ?? new UserException($"'{Address}' refuses a prompt: {said}. Start it with --trust-request-chat-template and room for prompt and reply.");
    }

    public void Dispose() => _client.Dispose();

    private static object Body(VllmPrompt prompt)
    {
        var sampling = prompt.Sampling;
        return new
        {
            model = prompt.Adapter,
            messages = new[] { new { role = "user", content = Parts(prompt).ToArray() } },
            chat_template = AsItIs,
            add_generation_prompt = false,
            n = sampling.Samples,
            seed = prompt.Seed,
            temperature = sampling.Temperature,
            top_p = 1.0,
            top_k = 0,
            min_p = 0.0,
            repetition_penalty = 1.0,
            presence_penalty = 0.0,
            frequency_penalty = 0.0,
            max_completion_tokens = sampling.MostTokens,
            stop_token_ids = sampling.Stops,
            logit_bias = sampling.Never.ToDictionary(id => $"{id}", _ => NeverBias),
            logprobs = true,
            top_logprobs = 0,
            return_token_ids = true,
        };
    }

    private static IEnumerable<object> Parts(VllmPrompt prompt)
    {
        if (prompt.Before.Length > 0) yield return new { type = "text", text = prompt.Before };
        yield return new { type = "image_url", image_url = new { url = $"data:image/png;base64,{Convert.ToBase64String(prompt.Png)}" } };
        if (prompt.After.Length > 0) yield return new { type = "text", text = prompt.After };
    }

    private VllmReply Read(byte[] json, VllmSampling sampling)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            var completions = root.GetProperty("choices").EnumerateArray().OrderBy(choice => choice.GetProperty("index").GetInt32())
                .Select(choice => Completion(choice, sampling)).ToList();
            if (completions.Count != sampling.Samples) throw Bad($"{completions.Count} completions in place of {sampling.Samples}");
            return new VllmReply(Ids(root.GetProperty("prompt_token_ids")), completions);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw Bad($"not the reply of a vLLM that knows return_token_ids: {error.Message}", error);
        }
    }

    private VllmCompletion Completion(JsonElement choice, VllmSampling sampling)
    {
        var ids = Ids(choice.GetProperty("token_ids"));
        float[] values = [.. choice.GetProperty("logprobs").GetProperty("content").EnumerateArray().Select(token => token.GetProperty("logprob").GetSingle())];
        var end = choice.GetProperty("finish_reason").GetString();
        if (ids.Length == 0 || ids.Length > sampling.MostTokens) throw Bad($"a completion of {ids.Length} tokens, not of 1 to {sampling.MostTokens}");
        if (values.Length != ids.Length) throw Bad($"{values.Length} log-probabilities for {ids.Length} tokens");
        // A server says −9999 where it has none.
        if (Array.Exists(values, value => !(value is <= 0 and > -9000))) throw Bad("a log-probability that is none");
        var isStopped = end == "stop" && sampling.Stops.Contains(ids[^1]);
        if (!isStopped && end != "length") throw Bad($"a completion that ended by '{end}' at token {ids[^1]}, which is no stop token of prompt.json");
        return new VllmCompletion(ids, values, !isStopped);
    }

    private static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];

    private VllmException Bad(string what, Exception? inner = null) => new(VllmFailure.BadReply, $"'{Address}' gave {what}", inner);

    /// <summary>What a status means for the server; null where it is the request that it does not like.</summary>
    private VllmException? Failed(HttpStatusCode status, string said) => status switch
    {
        HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable => new VllmException(VllmFailure.Busy, $"'{Address}' is busy: {said}"),
        >= HttpStatusCode.InternalServerError => new VllmException(VllmFailure.ServerError, $"'{Address}' failed: {said}"),
        _ => null,
    };

    /// <summary>The message in an error's body, <c>{"error":{"message":…}}</c> or any text.</summary>
    private async Task<string> SaidAsync(HttpResponseMessage response)
    {
        var body = await TryAsync(() => response.Content.ReadAsStringAsync());
        try
        {
            using var json = JsonDocument.Parse(body);
            var error = json.RootElement.TryGetProperty("error", out var nested) ? nested : json.RootElement;
            if (error.TryGetProperty("message", out var message)) body = message.ToString();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Text then.
        }
        return $"{(int)response.StatusCode} {body[..Math.Min(body.Length, MostSaid)].Trim()}";
    }

    private Task<HttpResponseMessage> PostAsync(string path, object body) => TryAsync(() => _client.PostAsJsonAsync(path, body, Json));

    /// <summary>What the network throws, as what it means for the server.</summary>
    private async Task<T> TryAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (TaskCanceledException error)
        {
            throw new VllmException(VllmFailure.TimedOut, $"'{Address}' did not answer within {_client.Timeout.TotalSeconds:F0} s", error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw new VllmException(VllmFailure.Unreachable, $"'{Address}' cannot be reached: {(error.InnerException ?? error).Message}", error);
        }
    }
}

using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Vlm.Trainer.Sampling;
using Vlm.Vision;

namespace Vlm.Trainer.Tests.Grpo;

/// <summary>Writes completions: prompt, adapter's folder, seed, sampling parameters.</summary>
internal delegate IReadOnlyList<(int[] Ids, float[] LogProbabilities)> Writer(TorchPrompt prompt, string adapter, JsonObject request);

/// <summary>
/// A vLLM server on this machine, as far as the trainer speaks to it: requests, replies, statuses and error bodies as in vLLM's sources
/// (entrypoints/openai/chat_completion and entrypoints/serve/lora).
/// </summary>
internal sealed class VllmServer : IAsyncDisposable
{
    private const string Untrusted = "Chat template is passed with request, but --trust-request-chat-template is not set. "
        + "Refused request with untrusted chat template.";

    private static readonly HashSet<string> Known =
    [
        "model", "messages", "chat_template", "add_generation_prompt", "n", "seed", "temperature", "top_p", "top_k", "min_p", "repetition_penalty",
        "presence_penalty", "frequency_penalty", "max_completion_tokens", "stop_token_ids", "logit_bias", "logprobs", "top_logprobs", "return_token_ids",
    ];

    private readonly WebApplication _app;
    private readonly CheckpointInput _input;
    private readonly Writer _write;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _adapters = [];

    private VllmServer(WebApplication app, CheckpointInput input, Writer write) => (_app, _input, _write) = (app, input, write);

    /// <summary>Requests for completions, in the order of arrival.</summary>
    public List<JsonObject> Requests { get; } = [];

    /// <summary>Calls of the endpoints for adapters: "load name", "unload name".</summary>
    public List<string> Calls { get; } = [];

    /// <summary>Breaks the connection off from this request on, counted from 0.</summary>
    public int BreaksAt { get; set; } = int.MaxValue;

    /// <summary>Answers every request for completions with this status instead.</summary>
    public int? Status { get; set; }

    /// <summary>Waits for the client to go away instead of answering.</summary>
    public bool Hangs { get; set; }

    /// <summary>Whether it was started with VLLM_ALLOW_RUNTIME_LORA_UPDATING; without it the endpoints are not there.</summary>
    public bool TakesAdapters { get; set; } = true;

    /// <summary>Whether it was started with --trust-request-chat-template.</summary>
    public bool TrustsTemplates { get; set; } = true;

    /// <summary>Whether its processor makes other picture sizes.</summary>
    public bool ReadsPicturesOtherwise { get; set; }

    /// <summary>Changes a reply before it is sent.</summary>
    public Action<JsonObject>? Spoils { get; set; }

    public string Url => _app.Urls.First();

    public static async Task<VllmServer> Start(CheckpointInput input, Writer write)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var server = new VllmServer(app, input, write);
        app.MapPost("/v1/load_lora_adapter", server.Load);
        app.MapPost("/v1/unload_lora_adapter", server.Unload);
        app.MapPost("/v1/chat/completions", server.Complete);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    /// <summary>Forgets its adapters, as a server does that was started again.</summary>
    public void Restart()
    {
        lock (_lock) _adapters.Clear();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task Load(HttpContext context)
    {
        if (!TakesAdapters)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            await context.Response.WriteAsync("""{"detail":"Not Found"}""");
            return;
        }
        var body = await Body(context);
        var (name, path) = ((string)body["lora_name"]!, (string)body["lora_path"]!);
        var isThere = File.Exists(Path.Combine(path, "adapter_config.json")) && File.Exists(Path.Combine(path, "adapter_model.safetensors"));
        bool isKnown;
        lock (_lock)
        {
            Calls.Add($"load {name}");
            isKnown = _adapters.ContainsKey(name);
            if (isThere) _adapters.TryAdd(name, path);
        }
        if (isKnown)
        {
            var said = $"The lora adapter '{name}' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True.";
            await Refuse(context, StatusCodes.Status400BadRequest, said, "InvalidUserInput");
        }
        else if (!isThere)
        {
            await Refuse(context, StatusCodes.Status404NotFound, $"Loading lora {name} failed: No adapter found for {path}", "NotFoundError");
        }
        else
        {
            await context.Response.WriteAsync($"Success: LoRA adapter '{name}' added successfully.");
        }
    }

    private async Task Unload(HttpContext context)
    {
        var name = (string)(await Body(context))["lora_name"]!;
        bool was;
        lock (_lock)
        {
            Calls.Add($"unload {name}");
            was = _adapters.Remove(name);
        }
        if (was) await context.Response.WriteAsync($"Success: LoRA adapter '{name}' removed successfully.");
        else await Refuse(context, StatusCodes.Status404NotFound, $"The lora adapter '{name}' cannot be found.", "NotFoundError");
    }

    private async Task Complete(HttpContext context)
    {
        var body = await Body(context);
        int number;
        string? adapter;
        lock (_lock)
        {
            number = Requests.Count;
            Requests.Add(body);
            _adapters.TryGetValue((string)body["model"]!, out adapter);
        }
        Assert.Empty(body.Select(member => member.Key).Except(Known));
        if (Hangs) await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        if (Hangs || number >= BreaksAt) context.Abort();
        else if (Status is { } status) await Refuse(context, status, "EngineCore encountered an issue.", "InternalServerError");
        else if (adapter is null) await Refuse(context, 404, $"The model `{body["model"]}` does not exist.", "NotFoundError");
        else if (!TrustsTemplates) await Refuse(context, 400, Untrusted, "BadRequestError");
        else await context.Response.WriteAsync(Reply(body, adapter).ToJsonString());
    }

    private JsonObject Reply(JsonObject body, string adapter)
    {
        var prompt = Prompt(body);
        var written = _write(prompt, adapter, body);
        var stops = body["stop_token_ids"]!.AsArray().Select(id => (int)id!).ToHashSet();
        var reply = new JsonObject
        {
            ["id"] = "chatcmpl-1",
            ["object"] = "chat.completion",
            ["created"] = 1,
            ["model"] = (string)body["model"]!,
            ["choices"] = new JsonArray([.. written.Select((completion, index) => (JsonNode)new JsonObject
            {
                ["index"] = index,
                ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = "not looked at" },
                ["logprobs"] = new JsonObject
                {
                    ["content"] = new JsonArray([.. completion.LogProbabilities.Select(value => (JsonNode)new JsonObject
                    {
                        ["token"] = "x", ["logprob"] = value, ["bytes"] = new JsonArray(1), ["top_logprobs"] = new JsonArray(),
                    })]),
                },
                ["finish_reason"] = stops.Contains(completion.Ids[^1]) ? "stop" : "length",
                ["stop_reason"] = null,
                ["token_ids"] = new JsonArray([.. completion.Ids.Select(id => (JsonNode)id)]),
            })]),
            ["usage"] = new JsonObject { ["prompt_tokens"] = prompt.Ids.Length },
            ["prompt_logprobs"] = null,
            ["prompt_token_ids"] = new JsonArray([.. prompt.Ids.Select(id => (JsonNode)id)]),
        };
        Spoils?.Invoke(reply);
        return reply;
    }

    /// <summary>The template's work, and the processor's: text as it is, a picture as its tokens.</summary>
    private TorchPrompt Prompt(JsonObject body)
    {
        Assert.Contains("{{ content['text'] }}", (string)body["chat_template"]!, StringComparison.Ordinal);
        Assert.False((bool)body["add_generation_prompt"]!);
        Patches? patches = null;
        var text = string.Concat(body["messages"]![0]!["content"]!.AsArray().Select(part =>
        {
            if ((string)part!["type"]! == "text") return (string)part["text"]!;
            var picture = ImageCodec.Decode(Convert.FromBase64String(((string)part["image_url"]!["url"]!)["data:image/png;base64,".Length..]));
            patches = Patches.From(picture, _input.Pictures);
            var tokens = patches.Grid.MergedTokens(_input.Pictures.MergeSize) + (ReadsPicturesOtherwise ? 1 : 0);
            return "<|vision_start|>" + string.Concat(Enumerable.Repeat("<|image_pad|>", tokens)) + "<|vision_end|>";
        }));
        return new TorchPrompt(patches, _input.Tokenizer.Encode(text));
    }

    private static async Task<JsonObject> Body(HttpContext context) => (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();

    private static Task Refuse(HttpContext context, int status, string message, string type)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(JsonSerializer.Serialize(new { error = new { message, type, param = (string?)null, code = status } }));
    }
}

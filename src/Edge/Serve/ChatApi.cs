using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Queries;

namespace Vlm.Edge.Serve;

/// <summary>OpenAI's chat completion, with what this box has to say about its answer under <c>edge</c>.</summary>
internal sealed record ChatCompletion(string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices, ChatUsage? Usage, AnswerBody Edge);

internal sealed record ChatChoice(int Index, ChatMessage Message, string FinishReason, string? Logprobs = null);

internal sealed record ChatMessage(string Role, string Content);

/// <summary>Tokens of the local model; absent for an answer from the cache.</summary>
internal sealed record ChatUsage(int PromptTokens, int CompletionTokens, int TotalTokens);

internal sealed record ChatChunk(
    string Id,
    string Object,
    long Created,
    string Model,
    IReadOnlyList<ChatChunkChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] AnswerBody? Edge);

internal sealed record ChatChunkChoice(int Index, ChatDelta Delta, string? FinishReason);

internal sealed record ChatDelta(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Content);

internal sealed record ModelList(string Object, IReadOnlyList<ModelEntry> Data);

internal sealed record ModelEntry(string Id, string Object, long Created, string OwnedBy);

/// <summary><c>POST /v1/chat/completions</c> and <c>GET /v1/models</c>: the same pipeline for programs that speak OpenAI's language.</summary>
internal static class ChatApi
{
    public static void Map(IEndpointRouteBuilder routes, Admission admission, ChatRequests requests, QueryPipeline pipeline, (string Model, TimeProvider Clock) context)
    {
        routes.MapPost("/v1/chat/completions", admission.Placed(http => CompleteAsync(http, requests, pipeline, context.Clock)));
        routes.MapGet("/v1/models", admission.Known(http => http.Response.WriteAsJsonAsync(
            new ModelList("list", [new ModelEntry(context.Model, "model", 0, "vlm")]), ServeJson.Default.ModelList, cancellationToken: http.RequestAborted)));
    }

    private static async Task CompleteAsync(HttpContext context, ChatRequests requests, QueryPipeline pipeline, TimeProvider clock)
    {
        var (query, isStream) = await requests.ReadAsync(context.Request);
        var answer = await pipeline.AskAsync(query, context.RequestAborted) switch
        {
            QueryOutcome.Answered(var given) => given,
            QueryOutcome.Refused refused => throw ApiError.Of(refused),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        var created = clock.GetUtcNow().ToUnixTimeSeconds();
        if (isStream) await StreamAsync(context, answer, created);
        else await context.Response.WriteAsJsonAsync(Whole(answer, created), ServeJson.Default.ChatCompletion, cancellationToken: context.RequestAborted);
    }

    private static ChatCompletion Whole(Answer answer, long created) => new(
        $"chatcmpl-{answer.Id}",
        "chat.completion",
        created,
        answer.Model,
        [new ChatChoice(0, new ChatMessage("assistant", answer.Text ?? ""), "stop")],
        answer.Tokens is var (prompt, reply) ? new ChatUsage(prompt, reply, prompt + reply) : null,
        AnswerBody.Of(answer));

    /// <summary>The whole answer as one piece: it is not decided before it is whole.</summary>
    private static async Task StreamAsync(HttpContext context, Answer answer, long created)
    {
        context.Response.ContentType = "text/event-stream";
        ChatChunk[] chunks =
        [
            Chunk(new ChatDelta("assistant", answer.Text ?? ""), null, null),
            Chunk(new ChatDelta(null, null), "stop", AnswerBody.Of(answer)),
        ];
        foreach (var chunk in chunks)
            await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(chunk, ServeJson.Default.ChatChunk)}\n\n", context.RequestAborted);
        await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted);

        ChatChunk Chunk(ChatDelta delta, string? finish, AnswerBody? edge) =>
            new($"chatcmpl-{answer.Id}", "chat.completion.chunk", created, answer.Model, [new ChatChunkChoice(0, delta, finish)], edge);
    }
}

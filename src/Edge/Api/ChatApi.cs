using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Answers;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Api;

/// <summary>OpenAI's chat completion, with what this box has to say about its answer under <c>edge</c>.</summary>
internal sealed record EdgeCompletion(string Id, long Created, string Model, IReadOnlyList<CompletionChoice> Choices, Usage? Usage, AnswerBody Edge)
    : ChatCompletion(Id, Created, Model, Choices, Usage);

/// <summary>A piece of it; the last one has the same under <c>edge</c>.</summary>
internal sealed record EdgeChunk(
    string Id, long Created, string Model, IReadOnlyList<ChunkChoice> Choices,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] AnswerBody? Edge)
    : ChatChunk(Id, Created, Model, Choices);

/// <summary><c>POST /v1/chat/completions</c> and <c>GET /v1/models</c>: the same pipeline for programs that speak OpenAI's language.</summary>
internal static class ChatApi
{
    public static void Map(IEndpointRouteBuilder routes, Daemon daemon, SolveRequests requests, Admission admission)
    {
        routes.MapPost("/v1/chat/completions", (RequestDelegate)(context => CompleteAsync(context, daemon, requests, admission)));
        ModelsApi.Map(routes, new ModelCard(daemon.Model.Name, daemon.Clock.GetUtcNow().ToUnixTimeSeconds(), "local"));
    }

    private static async Task CompleteAsync(HttpContext context, Daemon daemon, SolveRequests requests, Admission admission)
    {
        var body = await requests.ReceiveJsonAsync(context.Request);
        using var place = admission.Enter();
        var (query, settings) = requests.ReadChat(body);
        var answer = await SolveApi.AskAsync(daemon, query with { AskedBy = KeyCheck.Caller(context).Name }, context.RequestAborted);
        var created = daemon.Clock.GetUtcNow().ToUnixTimeSeconds();
        if (settings.IsStream) await StreamAsync(context, answer, created, settings.IncludeUsage);
        else await context.Response.WriteAsJsonAsync(Whole(answer, created), ApiJson.Default.EdgeCompletion, cancellationToken: context.RequestAborted);
    }

    private static EdgeCompletion Whole(Answer answer, long created) => new(
        $"chatcmpl-{answer.Id}", created, answer.Model, [new CompletionChoice(0, new AssistantMessage(answer.Text ?? ""), null, "stop")], ToUsage(answer),
            AnswerBody.From(answer));

    /// <summary>Tokens of the local model; none for an answer from the cache.</summary>
    private static Usage ToUsage(Answer answer) => answer.Tokens is var (prompt, reply) ? new Usage(prompt, reply) : new Usage(0, 0);

    /// <summary>The whole answer as one piece: it is not decided before it is whole.</summary>
    private static async Task StreamAsync(HttpContext context, Answer answer, long created, bool withUsage)
    {
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        List<EdgeChunk> chunks =
        [
            Chunk([new ChunkChoice(0, new Delta { Role = "assistant", Content = answer.Text ?? "" }, null, null)], null),
            Chunk([new ChunkChoice(0, new Delta(), null, "stop")], AnswerBody.From(answer)),
        ];
        if (withUsage) chunks.Add(Chunk([], null) with { Usage = ToUsage(answer) });
        foreach (var chunk in chunks)
            await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(chunk, ApiJson.Default.EdgeChunk)}\n\n", context.RequestAborted);
        await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted);

        EdgeChunk Chunk(IReadOnlyList<ChunkChoice> choices, AnswerBody? edge) => new($"chatcmpl-{answer.Id}", created, answer.Model, choices, edge);
    }
}

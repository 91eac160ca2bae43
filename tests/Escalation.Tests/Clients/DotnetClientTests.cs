using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;
using Vlm.Edge.Tests;
using Vlm.Engine;
using Vlm.Escalation.Work;

namespace Vlm.Escalation.Tests.Clients;

/// <summary>The official .NET client, unchanged, over a real package on the real engine.</summary>
public sealed class DotnetClientTests : IDisposable
{
    private const string Reply = " q→ c\n x→ d\n<chars> c d</chars>\n</think>\n<answer>cd</answer>";

    private readonly string _folder = Directory.CreateTempSubdirectory("vlm-escalation-").FullName;

    [Fact]
    public async Task An_answer_has_text_reason_usage_and_log_probabilities()
    {
        await using var server = await StartAsync();
        ChatCompletion answer = await Client(server).CompleteChatAsync(Question(),
            new ChatCompletionOptions { IncludeLogProbabilities = true, TopLogProbabilityCount = 3 }, Cancellation);

        Assert.Equal("<think>\n" + Reply, answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal("scripted", answer.Model);
        Assert.Equal(answer.Usage.InputTokenCount + answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount);
        Assert.True(answer.Usage.InputTokenCount > 64);
        var tokens = answer.ContentTokenLogProbabilities;
        // The stop token counts as generated and is no part of the text.
        Assert.Equal(answer.Usage.OutputTokenCount, tokens.Count + 1);
        Assert.Equal(Reply, string.Concat(tokens.Select(token => token.Token)));
        Assert.All(tokens, token =>
        {
            Assert.Equal(Math.Log(ScriptedPackage.Probability), token.LogProbability, 1e-4);
            Assert.Equal(3, token.TopLogProbabilities.Count);
            Assert.Equal(token.Token, token.TopLogProbabilities[0].Token);
        });
    }

    [Fact]
    public async Task A_stream_is_the_same_answer_in_pieces()
    {
        await using var server = await StartAsync();
        var (text, finish, usage, pieces) = ("", (ChatFinishReason?)null, (ChatTokenUsage?)null, 0);
        await foreach (var update in Client(server).CompleteChatStreamingAsync(Question(), new ChatCompletionOptions { IncludeLogProbabilities = true },
            Cancellation))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            finish ??= update.FinishReason;
            usage ??= update.Usage;
            pieces += update.ContentTokenLogProbabilities.Count;
        }

        Assert.Equal("<think>\n" + Reply, text);
        Assert.Equal(ChatFinishReason.Stop, finish);
        Assert.Equal(usage!.OutputTokenCount, pieces + 1);
    }

    [Fact]
    public async Task A_limit_on_tokens_ends_with_length()
    {
        await using var server = await StartAsync();
        ChatCompletion answer = await Client(server).CompleteChatAsync(Question(),
            new ChatCompletionOptions { MaxOutputTokenCount = 4, Temperature = 0.5f, TopP = 0.9f }, Cancellation);
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        Assert.Equal(4, answer.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task A_wrong_key_a_wrong_model_and_a_wrong_parameter_are_the_clients_exceptions()
    {
        await using var server = await StartAsync();
        Assert.Equal((401, "invalid_api_key"), await FailureAsync(Client(server, key: "wrong")));
        Assert.Equal((404, "model_not_found"), await FailureAsync(Client(server, model: "other")));
        Assert.Equal((400, "unsupported_parameter"), await FailureAsync(Client(server), new ChatCompletionOptions { FrequencyPenalty = 1 }));
    }

    [Fact]
    public async Task A_full_queue_is_429_and_the_client_tries_again_after_retry_after()
    {
        var model = new ScriptedModel { IsHeld = true };
        var options = TestServer.Options with { Queue = new QueueOptions { Capacity = 1, Batch = 1, WindowMilliseconds = 0 } };
        await using var server = await TestServer.StartAsync(model, options);
        var (first, second) = (server.AskAsync(), server.AskAsync());
        await TestServer.Until(() => server.Queue.Places == 2);

        var refused = await Assert.ThrowsAsync<ClientResultException>(() => Client(server).CompleteChatAsync(Question(), cancellationToken: Cancellation));
        Assert.Equal(429, refused.Status);
        Assert.True(refused.GetRawResponse()!.Headers.TryGetValue("Retry-After", out var seconds));
        Assert.InRange(int.Parse(seconds!), 1, 60);

        var patient = Client(server, retries: 1).CompleteChatAsync(Question(), cancellationToken: Cancellation);
        await TestServer.Until(async () => await server.MetricAsync("escalation_requests_total{outcome=\"queue_full\"}") == 2);
        model.Release();
        Assert.Equal("<think>\none two three", (await patient).Value.Content[0].Text);
        await Task.WhenAll(first, second);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Task<TestServer> StartAsync()
    {
        var package = ScriptedPackage.Write(Path.Combine(_folder, "package"), Reply);
        return TestServer.StartAsync(() => PackageModel.Open(package, new EngineOptions { Threads = 1 }));
    }

    private static ChatClient Client(TestServer server, string key = TestServer.Key, string model = "scripted", int retries = 0) => new(
        model, new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(server.Url, "/v1"), RetryPolicy = new ClientRetryPolicy(retries) });

    private static ChatMessage[] Question() =>
    [
        new SystemChatMessage("You decode messages."),
        new UserChatMessage(ChatMessageContentPart.CreateTextPart("The coded message is: q x"),
            ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(Requests.Picture), "image/png")),
    ];

    private static async Task<(int Status, string Code)> FailureAsync(ChatClient client, ChatCompletionOptions? options = null)
    {
        var e = await Assert.ThrowsAsync<ClientResultException>(() => client.CompleteChatAsync(Question(), options, Cancellation));
        using var body = JsonDocument.Parse(e.GetRawResponse()!.Content);
        return (e.Status, body.RootElement.GetProperty("error").GetProperty("code").GetString()!);
    }
}

using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vlm.Edge.Tests.Api;

public sealed class ChatApiTests
{
    [Fact]
    public async Task The_answer_comes_in_openais_shape_with_ours_beside_it()
    {
        await using var rig = await ServeRig.Start(0.99, null);

        using var response = await rig.Post(Body("Decode c a t _ d o g"), "/v1/chat/completions");
        var completion = await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop);

        Assert.Equal("chat.completion", completion.GetProperty("object").GetString());
        var choice = completion.GetProperty("choices")[0];
        Assert.Equal(("assistant", "cat dog", "stop"),
            (Text(choice.GetProperty("message"), "role"), Text(choice.GetProperty("message"), "content"), Text(choice, "finish_reason")));
        Assert.True(completion.GetProperty("edge").GetProperty("certified").GetBoolean());
        Assert.Equal(Text(completion.GetProperty("edge"), "model"), Text((await rig.Get("/v1/models")).GetProperty("data")[0], "id"));
    }

    [Fact]
    public async Task A_stream_ends_as_clients_expect()
    {
        await using var rig = await ServeRig.Start(0.99, null);

        using var response = await rig.Post(Body("c a t _ d o g", stream: true), "/v1/chat/completions");
        var lines = (await response.Content.ReadAsStringAsync(ServeRig.Stop)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(3, lines.Length);
        Assert.Equal("data: [DONE]", lines[^1]);
        using var first = JsonDocument.Parse(lines[0][6..]);
        Assert.Equal("cat dog", Text(first.RootElement.GetProperty("choices")[0].GetProperty("delta"), "content"));
        using var last = JsonDocument.Parse(lines[1][6..]);
        Assert.Equal("stop", Text(last.RootElement.GetProperty("choices")[0], "finish_reason"));
        Assert.Equal("edge", Text(last.RootElement.GetProperty("edge"), "answered_by"));
    }

    [Fact]
    public async Task What_is_no_question_is_refused()
    {
        (string Body, int Status)[] cases =
        [
            ("{}", 400),
            ("[]", 400),
            ("{\"model\":\"package\",\"messages\":[{\"role\":\"user\",\"content\":\"a b\"}]}", 400),
            ("{\"model\":\"package\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a b\"}]}]}", 400),
            ("{\"model\":\"package\",\"n\":2,\"messages\":[]}", 400),
            ("{\"model\":\"package\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"PICTURE\"}},"
                + "{\"type\":\"text\",\"text\":\"what is it\"}]}]}", 422),
            ("{\"model\":\"package\",\"messages\":[{\"role\":\"user\",\"content\":["
                + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.org/a.png\"}},{\"type\":\"text\",\"text\":\"a b\"}]}]}", 400),
        ];
        await using var rig = await ServeRig.Start(0.99, null);
        foreach (var (body, status) in cases)
        {
            using var content = new StringContent(body.Replace("PICTURE", ServeRig.DataUri(), StringComparison.Ordinal), System.Text.Encoding.UTF8,
                "application/json");
            using var response = await rig.Client.PostAsync("/v1/chat/completions", content, ServeRig.Stop);
            Assert.Equal(status, (int)response.StatusCode);
            var error = (await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop)).GetProperty("error");
            Assert.Equal("invalid_request_error", Text(error, "type"));
        }
    }

    [Theory]
    [InlineData("""{"temperature": 0, "top_p": 0.5, "seed": 7, "max_tokens": 7, "user": "me", "top_k": 20}""", null)]
    [InlineData("""{"response_format": {"type": "json_object"}}""", "response_format")]
    [InlineData("""{"stop": ["x"]}""", "stop")]
    [InlineData("""{"max_tokens": 6}""", "max_tokens")]
    [InlineData("""{"max_tokens": 0}""", "max_tokens")]
    [InlineData("""{"temperature": 0.7}""", "temperature")]
    [InlineData("""{"top_p": 0}""", "top_p")]
    [InlineData("""{"logprobs": true}""", "logprobs")]
    [InlineData("""{"logit_bias": {"5": 1}}""", "logit_bias")]
    [InlineData("""{"modalities": ["audio"]}""", "modalities")]
    [InlineData("""{"tools": [{}]}""", "tools")]
    [InlineData("""{"foo": 1}""", "foo")]
    [InlineData("""{"model": "gpt-4o"}""", "model")]
    [InlineData("""{"model": null}""", "model")]
    public async Task Every_parameter_is_honoured_or_refused_by_name(string changes, string? refused)
    {
        await using var rig = await ServeRig.Start(0.99, null);
        var body = (JsonObject)JsonSerializer.SerializeToNode(Body("c a t _ d o g"))!;
        foreach (var (name, value) in JsonNode.Parse(changes)!.AsObject()) body[name] = value?.DeepClone();

        using var response = await rig.Post(body, "/v1/chat/completions");
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop);

        Assert.Equal(refused, response.IsSuccessStatusCode ? null : Text(answer.GetProperty("error"), "param"));
        if (refused is null) Assert.InRange(answer.GetProperty("usage").GetProperty("total_tokens").GetInt32(), 10, 10_000);
    }

    [Fact]
    public async Task Usage_is_told_for_an_answer_that_is_given_again_too_and_the_model_by_its_name()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        (await rig.Post(Body("c a t _ d o g"), "/v1/chat/completions")).Dispose();
        using var again = await rig.Post(Body("c a t _ d o g"), "/v1/chat/completions");
        var answer = await again.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop);

        Assert.Equal("cache", Text(answer.GetProperty("edge"), "answered_by"));
        Assert.Equal(0, answer.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        Assert.Equal("package", Text(await rig.Get("/v1/models/package"), "id"));
        Assert.InRange((await rig.Get("/v1/models")).GetProperty("data")[0].GetProperty("created").GetInt64(), 1, long.MaxValue);
    }

    private static object Body(string text, bool stream = false) => new
    {
        model = "package",
        stream,
        temperature = 0,
        messages = new object[]
        {
            new { role = "system", content = "You decode." },
            new { role = "user", content = new object[] { new { type = "image_url", image_url = new { url = ServeRig.DataUri() } },
                new { type = "text", text } } },
        },
    };

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}

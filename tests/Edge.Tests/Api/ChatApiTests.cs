using System.Net.Http.Json;
using System.Text.Json;

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
            ("{\"messages\":[{\"role\":\"user\",\"content\":\"a b\"}]}", 400),
            ("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a b\"}]}]}", 400),
            ("{\"n\":2,\"messages\":[]}", 400),
            ("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"PICTURE\"}},"
                + "{\"type\":\"text\",\"text\":\"what is it\"}]}]}", 422),
            ("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.org/a.png\"}},"
                + "{\"type\":\"text\",\"text\":\"a b\"}]}]}", 400),
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

    private static object Body(string text, bool stream = false) => new
    {
        model = "any",
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

using System.Text.Json;
using System.Text.Json.Nodes;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Tests.Hosting;

public sealed class ChatRequestReaderTests
{
    private static readonly ChatRules Rules = new("scripted", MaxPixels: 100_000, Seed: 42);

    [Fact]
    public void Settings_are_taken_over()
    {
        var request = Read("""
            {"temperature":0.5,"top_p":0.9,"seed":-7,"max_completion_tokens":9,"logprobs":true,"top_logprobs":20,
             "stream":true,"stream_options":{"include_usage":true}}
            """);
        Assert.Equal("q x", request.Code);
        Assert.Equal(Requests.Picture, request.Picture);
        Assert.Equal(
            new ChatSettings
            {
                Sampling = new() { Temperature = 0.5, TopP = 0.9, Seed = unchecked((ulong)-7L) },
                MaxTokens = 9,
                WithLogprobs = true,
                TopLogprobs = 20,
                IsStream = true,
                IncludeUsage = true,
            },
            request.Settings);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"n":1,"stop":null,"tools":[],"logit_bias":{},"frequency_penalty":0,"response_format":"""
        + """{"type":"text"},"modalities":["text"],"tool_choice":"none"}""")]
    [InlineData("""{"user":"box 7","metadata":{"line":"3"},"store":false,"service_tier":"auto","stream":false,"max_tokens":null,"temperature":null}""")]
    [InlineData("""{"max_tokens":30,"max_completion_tokens":30}""")]
    [InlineData("""{"top_k":-1,"min_p":0,"repetition_penalty":1.0,"length_penalty":1,"best_of":1,"ignore_eos":false,"stop_token_ids":[],"guided_json":null}""")]
    [InlineData("""{"top_k":40,"min_p":0.05,"skip_special_tokens":true,"priority":3,"add_generation_prompt":true,"chat_template_kwargs":{}}""")]
    public void What_changes_nothing_is_accepted(string changes) => Assert.Equal(0, Read(changes).Settings.Sampling.Temperature);

    [Fact]
    public void A_request_without_a_seed_gets_the_one_that_was_drawn_for_it() => Assert.Equal(42UL, Read("""{"temperature":1}""").Settings.Sampling.Seed);

    [Theory]
    [InlineData("""{"model":"other"}""", "ModelNotFound", "model")]
    [InlineData("""{"model":7}""", "InvalidRequest", "model")]
    [InlineData("""{"n":2}""", "UnsupportedParameter", "n")]
    [InlineData("""{"n":0}""", "InvalidRequest", "n")]
    [InlineData("""{"stop":["x"]}""", "UnsupportedParameter", "stop")]
    [InlineData("""{"tools":[{}]}""", "UnsupportedParameter", "tools")]
    [InlineData("""{"response_format":{"type":"json_object"}}""", "UnsupportedParameter", "response_format")]
    [InlineData("""{"response_format":"text"}""", "InvalidRequest", "response_format")]
    [InlineData("""{"modalities":["audio"]}""", "UnsupportedParameter", "modalities")]
    [InlineData("""{"presence_penalty":0.5}""", "UnsupportedParameter", "presence_penalty")]
    [InlineData("""{"repetition_penalty":1.1}""", "UnsupportedParameter", "repetition_penalty")]
    [InlineData("""{"top_k":40,"temperature":0.7}""", "UnsupportedParameter", "top_k")]
    [InlineData("""{"guided_json":{"type":"object"}}""", "UnsupportedParameter", "guided_json")]
    [InlineData("""{"top_k":"many"}""", "UnsupportedParameter", "top_k")]
    [InlineData("""{"temprature":1}""", "UnknownParameter", "temprature")]
    [InlineData("""{"temperature":2.5}""", "InvalidRequest", "temperature")]
    [InlineData("""{"temperature":"hot"}""", "InvalidRequest", "temperature")]
    [InlineData("""{"top_p":0}""", "InvalidRequest", "top_p")]
    [InlineData("""{"seed":1.5}""", "InvalidRequest", "seed")]
    [InlineData("""{"max_tokens":0}""", "InvalidRequest", "max_tokens")]
    [InlineData("""{"max_tokens":1,"max_completion_tokens":2}""", "InvalidRequest", "max_tokens")]
    [InlineData("""{"logprobs":true,"top_logprobs":21}""", "InvalidRequest", "top_logprobs")]
    [InlineData("""{"top_logprobs":2}""", "InvalidRequest", "top_logprobs")]
    [InlineData("""{"logprobs":1}""", "InvalidRequest", "logprobs")]
    [InlineData("""{"stream_options":{"include_usage":true}}""", "InvalidRequest", "stream_options")]
    [InlineData("""{"stream":true,"stream_options":{"include_obfuscation":true}}""", "UnsupportedParameter", "stream_options.include_obfuscation")]
    [InlineData("""{"messages":[]}""", "InvalidRequest", "messages")]
    [InlineData("""{"messages":[{"role":"user","content":"q x"}]}""", "InvalidRequest", "messages")]
    [InlineData("""{"messages":[{"role":"assistant","content":"q x"}]}""", "InvalidRequest", "messages[0].role")]
    [InlineData("""{"messages":["q x"]}""", "InvalidRequest", "messages[0]")]
    [InlineData("""{"messages":[{"role":"user"}]}""", "InvalidRequest", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"input_audio"}]}]}""", "InvalidRequest", "messages[0].content[0].type")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"data:"}]}]}""", "InvalidRequest",
        "messages[0].content[0].image_url.url")]
    public void What_cannot_be_honoured_is_refused_by_name(string changes, string reason, string parameter)
    {
        var e = Assert.Throws<ApiException>(() => Read(changes));
        Assert.Equal((reason, parameter), (e.Reason.ToString(), e.Parameter));
    }

    [Theory]
    [InlineData("https://example.org/a.png", "InvalidRequest", "fetches nothing")]
    [InlineData("file:///etc/passwd", "InvalidRequest", "fetches nothing")]
    [InlineData("data:image/png,abc", "InvalidRequest", "not base64")]
    [InlineData("data:image/png;base64", "InvalidRequest", "not base64")]
    [InlineData("data:image/png;base64,abc", "InvalidRequest", "cut off")]
    [InlineData("data:image/png;base64,☃☃☃☃", "InvalidRequest", "damaged")]
    [InlineData("data:image/png;base64,", "UnsupportedPicture", "0 bytes")]
    [InlineData("data:text/plain;base64,aGVsbG8=", "UnsupportedPicture", "5 bytes")]
    [InlineData("data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "UnsupportedPicture", "Gif")]
    public void Pictures_come_as_data_uris_of_known_kinds(string uri, string reason, string message)
    {
        var e = Assert.Throws<ApiException>(() => Read("{}", uri));
        Assert.Equal((reason, "messages[0].content[1].image_url.url"), (e.Reason.ToString(), e.Parameter));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_that_announces_too_many_pixels_is_refused_before_they_are_decoded()
    {
        var bomb = (byte[])Requests.Picture.Clone();
        // Width and height of the PNG header become 60,000 each: 3.6 thousand million pixels, of which the file has none.
        byte[] size = [0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60];
        size.CopyTo(bomb, 16);
        FixHeaderChecksum(bomb);
        var e = Assert.Throws<ApiException>(() => Read("{}", Requests.Uri(bomb)));
        Assert.Equal(ErrorReason.PictureTooLarge, e.Reason);
        Assert.Contains("60000x60000", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("What is in this picture?", "no coded message")]
    [InlineData("Decode: q x _ _ y", "cannot be used")]
    public void A_text_without_a_usable_code_is_refused(string text, string message)
    {
        var e = Assert.Throws<ApiException>(() => Read("{}", text: text));
        Assert.Equal((ErrorReason.UnusableCode, "messages"), (e.Reason, e.Parameter));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_code_longer_than_the_model_takes_is_refused() =>
        Assert.Contains("97 symbols", Assert.Throws<ApiException>(() => Read("{}", text: string.Join(' ', Enumerable.Repeat("q", 97)))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Where_conversations_are_taken_the_last_question_counts_and_elsewhere_they_are_refused()
    {
        var turns = (JsonArray)Requests.Body(null, "Decode: a b")["messages"]!.DeepClone();
        turns.Add(JsonNode.Parse("""{"role":"assistant","content":"it"}"""));
        turns.Add(Requests.Body(null, "Decode: q x")["messages"]![0]!.DeepClone());
        using var document = JsonDocument.Parse(new JsonObject { ["model"] = "scripted", ["messages"] = turns }.ToJsonString());
        var lenient = Rules with { TakesConversations = true };

        Assert.Equal("q x", ChatRequestReader.Read(document.RootElement, lenient).Code);
        Assert.Equal("messages[1].role",
            Assert.Throws<ApiException>(() => ChatRequestReader.Read(document.RootElement, Rules)).Parameter);
    }

    [Fact]
    public void Log_probabilities_are_refused_by_name_where_they_cannot_be_told()
    {
        using var document = JsonDocument.Parse(Requests.Body(JsonNode.Parse("""{"logprobs":true}""")).ToJsonString());
        var e = Assert.Throws<ApiException>(() => ChatRequestReader.Read(document.RootElement, Rules with { IsSteerable = false }));
        Assert.Equal((ErrorReason.UnsupportedParameter, "logprobs"), (e.Reason, e.Parameter));
    }

    private static void FixHeaderChecksum(byte[] png) =>
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc(png.AsSpan(12, 17)));

    /// <summary>PNG's CRC-32 (ISO 3309), bit by bit.</summary>
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var each in bytes)
        {
            crc ^= each;
            for (var bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) == 0 ? 0 : 0xEDB88320);
        }
        return ~crc;
    }

    private static ChatRequest Read(string changes, string? picture = null, string text = "Decode: q x")
    {
        var body = Requests.Body(JsonNode.Parse(changes), text, picture);
        using var document = JsonDocument.Parse(body.ToJsonString());
        return ChatRequestReader.Read(document.RootElement, Rules);
    }
}

using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Vlm.Edge.Escalations;
using Vlm.Edge.Scenes;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Escalations;

public sealed class ChatTests
{
    private static readonly EndpointOptions Plain = new() { Url = "http://localhost/v1", Model = "m" };

    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);

    [Fact]
    public void A_small_part_of_a_large_picture_is_decoded_with_more_pixels_than_the_whole()
    {
        Assert.Equal(ImageCodec.EnoughPixels, new PictureRules { MaxSide = 500 }.EnoughPixels);
        Assert.Equal(4 * 1024 * 1024, new PictureRules().EnoughPixels);
        Assert.Equal(16 * 1024 * 1024, new PictureRules { Crop = new Region { Width = 0.5, Height = 0.5 } }.EnoughPixels);
        Assert.Equal(int.MaxValue, new PictureRules { MaxSide = 8192, Crop = new Region { Width = 0.01, Height = 0.01 } }.EnoughPixels);
    }

    [Fact]
    public void A_request_holds_the_picture_as_a_data_address_and_the_code_at_the_end()
    {
        using var json = JsonDocument.Parse(ChatRequest.Body(Bench.Question(), Plain));
        var content = json.RootElement.GetProperty("messages")[0].GetProperty("content");

        Assert.Equal("m", json.RootElement.GetProperty("model").GetString());
        Assert.False(json.RootElement.GetProperty("stream").GetBoolean());
        Assert.Equal($"data:image/png;base64,{Convert.ToBase64String(Bench.Picture)}", content[0].GetProperty("image_url").GetProperty("url").GetString());
        Assert.Equal("c a t _ d o g", content[1].GetProperty("text").GetString());
    }

    [Fact]
    public void Other_models_are_told_the_task_and_the_code_still_ends_the_text()
    {
        using var json = JsonDocument.Parse(ChatRequest.Body(Bench.Question(), Plain with { Prompt = PromptDialect.Instructions }));
        var text = json.RootElement.GetProperty("messages")[0].GetProperty("content")[1].GetProperty("text").GetString()!;

        Assert.EndsWith("The coded message is: c a t _ d o g", text, StringComparison.Ordinal);
        Assert.Contains("<answer>", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MaxTokens", true, false)]
    [InlineData("MaxCompletionTokens", false, true)]
    [InlineData("Both", true, true)]
    public void The_limit_of_tokens_goes_under_the_names_that_the_server_reads(string field, bool old, bool current)
    {
        using var json = JsonDocument.Parse(ChatRequest.Body(Bench.Question(), Plain with { TokenLimit = Enum.Parse<TokenLimitField>(field) }));

        Assert.Equal((old, current), (json.RootElement.TryGetProperty("max_tokens", out _), json.RootElement.TryGetProperty("max_completion_tokens", out _)));
    }

    [Fact]
    public void The_same_question_is_the_same_bytes_and_members_that_a_server_lacks_are_left_out()
    {
        Assert.Equal(ChatRequest.Body(Bench.Question(), Plain), ChatRequest.Body(Bench.Question(), Plain));
        var plain = Encoding.UTF8.GetString(ChatRequest.Body(Bench.Question(), Plain));
        var full = Encoding.UTF8.GetString(ChatRequest.Body(Bench.Question(), Plain with { Logprobs = true, StructuredOutput = StructuredOutput.JsonSchema }));

        Assert.DoesNotContain("logprobs", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("response_format", plain, StringComparison.Ordinal);
        Assert.Contains("\"logprobs\":true", full, StringComparison.Ordinal);
        Assert.Contains("json_schema", full, StringComparison.Ordinal);
        JsonDocument.Parse(full).Dispose();
    }

    [Theory]
    [InlineData("<think>I look.</think> So: <answer>Cat Dog</answer>", "Instructions", true)]
    [InlineData("<answer>cat dog</answer>", "Instructions", true)]
    [InlineData("<answer>cat dog</answer>", "Code", false)]
    [InlineData("<answer>cat dogs</answer>", "Instructions", false)]
    [InlineData("<think>\n<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer>", "Code", true)]
    [InlineData("cat dog", "Instructions", true)]
    [InlineData("cat dog", "Code", false)]
    [InlineData("<answer> CAT DOG. </answer>", "Instructions", true)]
    [InlineData("**cat dog**", "Instructions", true)]
    [InlineData("The message is **Cat Dog**, I think.", "Instructions", true)]
    [InlineData("Decoded message: \"cat dog\"", "Instructions", true)]
    [InlineData("**Answer:** cat dog", "Instructions", true)]
    [InlineData("```\ncat dog\n```", "Instructions", true)]
    [InlineData("```json\n{\"chars\": \"c a t _ d o g\", \"answer\": \"cat dog\"}\n```", "Instructions", true)]
    [InlineData("{\"answer\": \"Cat dog.\"}", "Instructions", true)]
    [InlineData("I read c, a, t.\n\nc a t _ d o g", "Instructions", true)]
    [InlineData("<think>many words</think>\n\ncat dog", "Instructions", true)]
    [InlineData("I cannot read it.", "Instructions", false)]
    [InlineData("cat dog or cat fog", "Instructions", false)]
    [InlineData("{\"answer\": 7}", "Instructions", false)]
    [InlineData("{{{", "Instructions", false)]
    public void Models_of_this_repository_are_read_strictly_and_others_by_their_answer(string content, string prompt, bool isAnswer)
    {
        var attempt = Read(Completion(content), Plain with { Prompt = Enum.Parse<PromptDialect>(prompt) });

        if (isAnswer) Assert.Equal("cat dog", Assert.IsType<Attempt.Answered>(attempt).Answer);
        else Assert.False(Assert.IsType<Attempt.Failed>(attempt).IsEndpointsFault);
    }

    [Fact]
    public void How_much_form_a_reply_needs_can_be_said()
    {
        Assert.IsType<Attempt.Answered>(Read(Completion("cat dog"), Plain with { Profile = ReplyProfile.Lenient }));
        Assert.IsType<Attempt.Failed>(Read(Completion("cat dog"), Plain with { Prompt = PromptDialect.Instructions, Profile = ReplyProfile.Strict }));
    }

    [Theory]
    [InlineData("""{"chars": "c a t _ d o g", "answer": "cat dog"}""", true)]
    [InlineData("""{"answer": "cat dog"}""", true)]
    [InlineData("""{"chars": "c a t"}""", false)]
    [InlineData("cat dog", false)]
    public void Structured_output_is_read_as_JSON(string content, bool isAnswer)
    {
        var attempt = Read(Completion(content), Plain with { StructuredOutput = StructuredOutput.JsonSchema });

        Assert.Equal(isAnswer, attempt is Attempt.Answered { Answer: "cat dog" });
    }

    [Fact]
    public void Token_probabilities_become_a_confidence_when_they_are_told()
    {
        var body = Completion("<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer>")
            .Replace("\"finish_reason\"",
                "\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.5},{\"token\":\"b\",\"logprob\":-1.5}]},\"finish_reason\"",
                StringComparison.Ordinal);

        Assert.Equal(Math.Exp(-1), Assert.IsType<Attempt.Answered>(Read(body, Plain)).Confidence!.Value, 9);
    }

    [Theory]
    [InlineData("5", 5.0)]
    [InlineData("0", 0.0)]
    [InlineData("-3", null)]
    [InlineData("soon", null)]
    public void Waits_are_seconds_and_nonsense_is_none(string header, double? seconds)
    {
        var parsed = RetryConditionHeaderValue.TryParse(header, out var wait) ? wait : null;
        Assert.Equal(seconds, AttemptRules.RetryAfter(parsed, Now)?.TotalSeconds);
    }

    [Fact]
    public void A_date_that_has_passed_is_no_wait()
    {
        Assert.Equal(TimeSpan.Zero, AttemptRules.RetryAfter(new RetryConditionHeaderValue(Now.AddSeconds(-5)), Now));
        Assert.Equal(TimeSpan.FromSeconds(5), AttemptRules.RetryAfter(new RetryConditionHeaderValue(Now.AddSeconds(5)), Now));
    }

    [Fact]
    public void Wrong_options_are_all_named()
    {
        var options = new EscalationOptions
        {
            Endpoints = [Plain with { Url = "host:1" }, Plain with { Name = "b", CaFile = "/no/such/file" }],
            Concurrency = 0,
            AttemptTimeoutSeconds = 60,
            Queue = new QueueOptions { LeaseSeconds = 30 },
            Picture = new PictureRules { Crop = new Region { Left = 0.5 } },
        };

        var problems = string.Join("\n", options.Problems());

        foreach (var named in (string[])["url", "ca_file", "concurrency", "breaker_sampling_seconds", "lease_seconds", "crop"])
            Assert.Contains(named, problems, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_part_of_a_picture_that_is_needed_leaves_the_box()
    {
        var white = new byte[200 * 100 * 3];
        Array.Fill(white, (byte)255);
        var rules = new PictureRules
        {
            Crop = new Region { Left = 0.5, Width = 0.5 },
            Masks = [new Region { Left = 0.75, Top = 0.5, Width = 0.25, Height = 0.5 }],
        };

        var sent = ImageCodec.Decode(rules.Apply(new RgbImage(200, 100, white)));

        Assert.Equal((100, 100), (sent.Width, sent.Height));
        Assert.Equal((255, 255, 0), (sent.Pixels[0], sent.Pixels[((99 * 100) + 49) * 3], sent.Pixels[((99 * 100) + 50) * 3]));
    }

    [Fact]
    public void A_picture_is_made_smaller_until_it_fits()
    {
        var noise = new byte[800 * 400 * 3];
        new Random(1).NextBytes(noise);
        var picture = new RgbImage(800, 400, noise);

        var large = new PictureRules { MaxSide = 400 }.Apply(picture);
        var small = new PictureRules { MaxSide = 400, MaxBytes = 8000 }.Apply(picture);

        Assert.Equal((400, 200), ImageCodec.Decode(large) is var image ? (image.Width, image.Height) : default);
        Assert.InRange(small.Length, 100, 8000);
        Assert.Throws<PictureException>(() => new PictureRules { MaxBytes = 1024 }.Apply(new RgbImage(60, 60, noise[..(60 * 60 * 3)])));
    }

    private static Attempt Read(string body, EndpointOptions endpoint) => ChatReply.Read(Encoding.UTF8.GetBytes(body), "c a t _ d o g", endpoint);

    private static string Completion(string content) =>
        "{\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"message\":{\"content\":" + JsonSerializer.Serialize(content) + "},\"finish_reason\":\"stop\"}]}";
}

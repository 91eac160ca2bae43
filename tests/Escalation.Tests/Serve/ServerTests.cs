using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Vlm.Engine;
using Vlm.Escalation.Chat;
using Vlm.Package;
using Vlm.Vision;

namespace Vlm.Escalation.Tests.Serve;

/// <summary>The interface over real HTTP: statuses, error objects, health, limits, the end.</summary>
public sealed class ServerTests
{
    [Fact]
    public async Task Nobody_gets_in_without_a_key_except_to_health_and_metrics()
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        using var stranger = new HttpClient { BaseAddress = server.Url };
        foreach (var path in (string[])["/v1/models", "/v1/chat/completions", "/v1/anything"])
        {
            using var response = await stranger.GetAsync(path, Cancellation);
            Assert.Equal("invalid_api_key", await TestServer.ErrorCodeAsync(response, 401));
            Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().Scheme);
        }
        stranger.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TestServer.Key + "x");
        using (var wrong = await stranger.GetAsync("/v1/models", Cancellation)) Assert.Equal("invalid_api_key", await TestServer.ErrorCodeAsync(wrong, 401));
        foreach (var path in (string[])["/health/live", "/health/ready", "/metrics"])
            Assert.Equal(HttpStatusCode.OK, (await stranger.GetAsync(path, Cancellation)).StatusCode);
        Assert.Equal(4, await server.MetricAsync("escalation_requests_total{outcome=\"invalid_api_key\"}"));
    }

    [Fact]
    public async Task A_provider_that_fails_is_told_by_a_metric()
    {
        var model = new ScriptedModel();
        await using var server = await TestServer.StartAsync(model);
        Assert.Equal(0, await server.MetricAsync("escalation_provider_fell_back"));

        model.Moved!(new Placement(ProviderKind.Cpu, PlacementReason.FailedWhileRunning, "CUDA failed in the middle of a run"));

        Assert.Equal(1, await server.MetricAsync("escalation_provider_fell_back"));
    }

    [Fact]
    public async Task The_one_model_is_listed()
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        var list = await TestServer.JsonAsync(await server.Client.GetAsync("/v1/models", Cancellation));
        Assert.Equal("scripted", list.GetProperty("data")[0].GetProperty("id").GetString());
        var one = await TestServer.JsonAsync(await server.Client.GetAsync("/v1/models/scripted", Cancellation));
        Assert.Equal("model", one.GetProperty("object").GetString());
        Assert.Equal("model_not_found", await TestServer.ErrorCodeAsync(await server.Client.GetAsync("/v1/models/other", Cancellation), 404));
    }

    [Fact]
    public async Task Wrong_addresses_and_methods_get_error_objects()
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        Assert.Equal("not_found", await TestServer.ErrorCodeAsync(await server.Client.GetAsync("/v1/embeddings", Cancellation), 404));
        Assert.Equal("not_found", await TestServer.ErrorCodeAsync(await server.Client.GetAsync("/", Cancellation), 404));
        Assert.Equal("method_not_allowed", await TestServer.ErrorCodeAsync(await server.Client.GetAsync("/v1/chat/completions", Cancellation), 405));
        Assert.Equal("method_not_allowed", await TestServer.ErrorCodeAsync(await server.Client.DeleteAsync("/v1/models", Cancellation), 405));
    }

    [Theory]
    [InlineData("", "invalid_request")]
    [InlineData("{", "invalid_request")]
    [InlineData("[]", "invalid_request")]
    [InlineData("\"\\ud800\"", "invalid_request")]
    [InlineData("{\"model\":\"\\ud800\"}", "invalid_request")]
    [InlineData("{\"model\":\"scripted\",\"model\":\"scripted\"}", "invalid_request")]
    public async Task A_body_that_is_no_request_is_400(string body, string code)
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        Assert.Equal(code, await server.PostAsync(body, 400));
        Assert.Equal(0, server.Queue.Places);
    }

    [Fact]
    public async Task Deep_json_and_bytes_that_are_no_text_are_400()
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        Assert.Equal("invalid_request", await server.PostAsync(new string('[', 100_000), 400));
        using var bytes = new ByteArrayContent([.. "{\"model\":\""u8, 0xFF, 0xFE, .. "\"}"u8]);
        bytes.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await server.Client.PostAsync("/v1/chat/completions", bytes, Cancellation);
        Assert.Equal("invalid_request", await TestServer.ErrorCodeAsync(response, 400));
    }

    [Fact]
    public async Task A_body_that_is_not_sent_as_json_is_415()
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        Assert.Equal("unsupported_media_type", await server.PostAsync("{}", 415, "text/plain"));
        using var packed = Requests.Json(Requests.Body());
        packed.Headers.ContentEncoding.Add("gzip");
        using var response = await server.Client.PostAsync("/v1/chat/completions", packed, Cancellation);
        Assert.Equal("unsupported_media_type", await TestServer.ErrorCodeAsync(response, 415));
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_whether_it_says_its_length_or_not()
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel(), TestServer.Options with { Limits = new LimitOptions { BodyBytes = 4096 } });
        var large = Requests.Body(new { user = new string('x', 5000) });
        using (var known = await server.Client.PostAsync("/v1/chat/completions", Requests.Json(large), Cancellation))
            Assert.Equal("request_too_large", await TestServer.ErrorCodeAsync(known, 413));
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = Requests.Json(large) };
        message.Headers.TransferEncodingChunked = true;
        using var chunked = await server.Client.SendAsync(message, Cancellation);
        Assert.Equal("request_too_large", await TestServer.ErrorCodeAsync(chunked, 413));
    }

    [Fact]
    public async Task Hostile_pictures_are_refused_and_the_server_goes_on()
    {
        var model = new ScriptedModel();
        await using var server = await TestServer.StartAsync(model, TestServer.Options with { Limits = new LimitOptions { PicturePixels = 60_000 } });
        byte[] Png(int width, int height) => ImageCodec.EncodePng(new RgbImage(width, height, new byte[width * height * 3]));
        async Task<string> Refused(byte[] file, int status)
        {
            using var response = await server.Client.PostAsync("/v1/chat/completions", Requests.Json(Requests.Body(picture: Requests.Uri(file))), Cancellation);
            return await TestServer.ErrorCodeAsync(response, status);
        }

        Assert.Equal("picture_too_large", await Refused(Png(300, 300), 413));
        Assert.Equal("unsupported_picture", await Refused([.. "<svg/>"u8], 415));
        // Header and size are in order, the pixels are not there.
        Assert.Equal("unusable_picture", await Refused(Requests.Picture[..80], 422));
        Assert.Equal("unusable_picture", await Refused(Png(50, 1), 422));
        using var good = await server.AskAsync();
        Assert.Equal(200, (int)good.StatusCode);
        Assert.Equal(2, model.Batches.Count);
    }

    [Fact]
    public async Task A_stream_sends_every_token_when_it_is_taken()
    {
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model);
        var asked = server.AskAsync(new { stream = true, stream_options = new { include_usage = true } });
        model.Release(1);
        using var response = await asked;
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));

        Assert.Equal("<think>\n", (await NextAsync(lines))!["choices"]![0]!["delta"]!["content"]!.GetValue<string>());
        foreach (var piece in (string[])["one", " two", " three"])
        {
            var chunk = (await NextAsync(lines))!["choices"]![0]!;
            Assert.Equal(piece, chunk["delta"]!["content"]!.GetValue<string>());
            Assert.Null(chunk["finish_reason"]);
            model.Release(1);
        }
        Assert.Equal("stop", (await NextAsync(lines))!["choices"]![0]!["finish_reason"]!.GetValue<string>());
        var usage = (await NextAsync(lines))!;
        Assert.Empty(usage["choices"]!.AsArray());
        Assert.Equal((80, 4, 84, 64),
            ((int)usage["usage"]!["prompt_tokens"]!, (int)usage["usage"]!["completion_tokens"]!, (int)usage["usage"]!["total_tokens"]!,
            (int)usage["usage"]!["prompt_tokens_details"]!["image_tokens"]!));
        Assert.Null(await NextAsync(lines));
    }

    [Fact]
    public async Task Log_probabilities_are_finite_numbers_and_bytes()
    {
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        var answer = await TestServer.JsonAsync(await server.AskAsync(new { logprobs = true, top_logprobs = 2, max_tokens = 1 }));
        var choice = answer.GetProperty("choices")[0];
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        var token = choice.GetProperty("logprobs").GetProperty("content")[0];
        Assert.Equal(("one", -0.125, 111),
            (token.GetProperty("token").GetString(), token.GetProperty("logprob").GetDouble(), token.GetProperty("bytes")[0].GetInt32()));
        Assert.Equal([-0.125, -9999], token.GetProperty("top_logprobs").EnumerateArray().Select(each => each.GetProperty("logprob").GetDouble()));
    }

    [Fact]
    public async Task Until_the_model_is_loaded_the_server_lives_and_is_not_ready()
    {
        using var loaded = new ManualResetEventSlim();
        await using var server = await TestServer.StartColdAsync(() =>
        {
            loaded.Wait(Cancellation);
            return new ScriptedModel();
        });
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health/live", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.Client.GetAsync("/health/ready", Cancellation)).StatusCode);
        using (var early = await server.AskAsync())
        {
            Assert.Equal("model_loading", await TestServer.ErrorCodeAsync(early, 503));
            Assert.NotNull(early.Headers.RetryAfter);
        }
        loaded.Set();
        await TestServer.Until(async () => (await server.Client.GetAsync("/health/ready", Cancellation)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_ends_the_server()
    {
        await using var server = await TestServer.StartColdAsync(() => throw new ModelException("It is damaged."));
        var ended = new TaskCompletionSource();
        using var _ = server.App.Lifetime.ApplicationStopping.Register(ended.SetResult);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.Equal("It is damaged.", server.Endpoint.Slot.Failure);
    }

    [Fact]
    public async Task A_model_that_fails_is_500_and_the_next_question_is_answered()
    {
        var model = new ScriptedModel { FailsOn = "b a d" };
        await using var server = await TestServer.StartAsync(model);
        using var failed = await server.Client.PostAsync("/v1/chat/completions", Requests.Json(Requests.Body(text: "b a d")), Cancellation);
        Assert.Equal("internal_error", await TestServer.ErrorCodeAsync(failed, 500));
        Assert.Equal(200, (int)(await server.AskAsync()).StatusCode);
    }

    [Fact]
    public async Task The_end_waits_for_requests_in_flight_and_takes_no_new_ones()
    {
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model);
        // A connection that is open already: new ones are not even accepted.
        var idle = await server.Client.GetAsync("/health/ready", Cancellation);
        var inFlight = server.AskAsync();
        await TestServer.Until(() => model.Batches.Count == 1);

        var stopped = server.App.StopAsync(Cancellation);
        await TestServer.Until(() => !server.Endpoint.Slot.IsReady);
        Assert.False(stopped.IsCompleted);
        model.Release();
        using var answered = await inFlight;
        Assert.Equal(200, (int)answered.StatusCode);
        await stopped;
        Assert.True(idle.IsSuccessStatusCode);
    }

    [Fact]
    public async Task The_end_does_not_wait_for_ever()
    {
        var model = new ScriptedModel { IsHeld = true };
        await using var server = await TestServer.StartAsync(model, TestServer.Options with { DrainSeconds = 1 });
        var inFlight = server.AskAsync();
        await TestServer.Until(() => model.Batches.Count == 1);
        await server.App.StopAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        // Cut off, or told that the server ended: either way it has no answer.
        var status = await inFlight.ContinueWith(task =>
            task.IsCompletedSuccessfully ? task.GetAwaiter().GetResult().StatusCode : HttpStatusCode.ServiceUnavailable, TaskScheduler.Default)
            .WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The next event as JSON; null for <c>[DONE]</c>.</summary>
    private static async Task<JsonNode?> NextAsync(StreamReader lines)
    {
        var line = await lines.ReadLineAsync(Cancellation);
        Assert.StartsWith("data: ", line, StringComparison.Ordinal);
        Assert.Equal("", await lines.ReadLineAsync(Cancellation));
        return line == "data: [DONE]" ? null : JsonNode.Parse(line![6..]);
    }
}

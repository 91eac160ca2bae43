using Microsoft.AspNetCore.Http;
using Vlm.Edge.Escalations;

namespace Vlm.Edge.Tests.Escalations;

public sealed class BadRepliesTests
{
    [Fact]
    public Task A_connection_that_is_reset_is_a_server_error_and_not_repeated() => FailsWith(EscalationFailure.ServerError, (context, _) =>
    {
        context.Abort();
        return Task.CompletedTask;
    });

    [Fact]
    public Task Half_a_body_is_a_server_error() => FailsWith(EscalationFailure.ServerError, async (context, _) =>
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = 1000;
        await context.Response.WriteAsync("{\"choices\":", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        context.Abort();
    });

    [Fact]
    public Task A_chunked_body_without_its_end_is_a_server_error() => FailsWith(EscalationFailure.ServerError, async (context, _) =>
    {
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync("{\"choices\":", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        context.Abort();
    });

    [Fact]
    public Task A_body_without_end_is_left_at_the_limit() => FailsWith(EscalationFailure.BadAnswer, async (context, _) =>
    {
        context.Response.ContentType = "application/json";
        var blanks = new byte[1 << 16];
        Array.Fill(blanks, (byte)' ');
        while (!context.RequestAborted.IsCancellationRequested) await context.Response.Body.WriteAsync(blanks, context.RequestAborted);
    });

    [Fact]
    public Task A_web_page_is_no_answer() => FailsWith(EscalationFailure.BadAnswer, (context, _) =>
    {
        context.Response.ContentType = "text/html";
        return context.Response.WriteAsync("<html>Sign in to the network</html>", context.RequestAborted);
    });

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"choices\":[]}")]
    [InlineData("{\"choices\":[null]}")]
    [InlineData("{\"choices\":[{\"finish_reason\":\"stop\"}]}")]
    [InlineData("{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"<answer>cat dog")]
    [InlineData("{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"cat dog\"}}]}")]
    [InlineData("{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":17}}]}")]
    public Task Garbage_with_status_200_is_no_answer(string body) => FailsWith(EscalationFailure.BadAnswer, (context, _) =>
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body, context.RequestAborted);
    });

    [Theory]
    [InlineData("length")]
    [InlineData("content_filter")]
    [InlineData("abort")]
    [InlineData(null)]
    public Task A_right_answer_without_the_finish_reason_stop_is_no_answer(string? finish) =>
        FailsWith(EscalationFailure.BadAnswer, (context, _) => ScriptedEndpoint.Says(context, ScriptedEndpoint.Reply("cat dog"), finish));

    [Theory]
    [InlineData("cat dogs")]
    [InlineData("catsdog")]
    [InlineData("cat dic")]
    [InlineData("cat do9")]
    public Task An_answer_that_the_cipher_cannot_give_is_no_answer(string answer) =>
        FailsWith(EscalationFailure.BadAnswer, (context, _) => ScriptedEndpoint.Says(context, ScriptedEndpoint.Reply(answer)));

    private static async Task FailsWith(EscalationFailure reason, Func<HttpContext, SeenRequest, Task> answer)
    {
        await using var endpoint = await ScriptedEndpoint.Start(answer);
        using var bench = new Bench(Bench.For(endpoint.Url));

        var failed = await bench.Fails();

        Assert.Equal((reason, 1, 1), (failed.Reason, failed.Attempts, endpoint.Requests.Count));
    }
}

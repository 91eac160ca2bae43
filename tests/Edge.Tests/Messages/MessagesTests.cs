using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Messages;
using Vlm.Edge.Tests.Api;

namespace Vlm.Edge.Tests.Messages;

/// <summary>Where the message of a camera comes from.</summary>
public sealed class MessagesTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly FakeTimeProvider _clock = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_file_is_read_again_when_it_changes_and_gone_is_no_message()
    {
        var file = new FileMessage(_files.File("message"), _clock);
        Assert.Equal(MessageNow.None, file.Now);

        Assert.Equal("a b _ c", After(() => File.WriteAllText(_files.File("message"), "A b  _ c\n"), file).Code);
        Assert.Contains("single letters", After(() => File.WriteAllText(_files.File("message"), "secret words"), file).Problem!, StringComparison.Ordinal);
        Assert.Contains("at most 4096", After(() => File.WriteAllText(_files.File("message"), new string('a', 5000)), file).Problem!, StringComparison.Ordinal);
        Assert.Equal("x", After(() => File.WriteAllText(_files.File("message"), "x"), file).Code);
        Assert.Equal(MessageNow.None, After(() => File.Delete(_files.File("message")), file));
    }

    [Fact]
    public void A_topic_says_the_message_an_empty_one_says_none()
    {
        string? last = null;
        var topic = new TopicMessage("t", _ => last);

        Assert.Equal(MessageNow.None, topic.Now);
        last = "q x _ a";
        Assert.Equal("q x _ a", topic.Now.Code);
        last = "nonsense";
        Assert.Contains("The topic 't'", topic.Now.Problem!, StringComparison.Ordinal);
        last = "";
        Assert.Equal(MessageNow.None, topic.Now);
    }

    [Fact]
    public void Whatever_a_text_is_it_says_a_message_or_none_with_a_reason()
    {
        string? last = null;
        var topic = new TopicMessage("t", _ => last);
        foreach (var bytes in Mutations.Of("l b p _ o c d"u8.ToArray(), 3000, seed: 21))
        {
            last = Encoding.UTF8.GetString(bytes);
            var now = topic.Now;
            if (now.Code is { } code) Assert.Equal((code, null), (Cryptogram.Code.Parse(code), now.Problem));
            else Assert.True(string.IsNullOrWhiteSpace(last) ? now == MessageNow.None : now.Problem!.StartsWith("The topic 't'", StringComparison.Ordinal));
            Assert.InRange(now.Problem?.Length ?? 0, 0, 400);
        }
    }

    [Fact]
    public async Task A_webhook_is_asked_once_a_period_and_stands_a_while_when_it_fails()
    {
        var (asked, answer) = (0, (Func<HttpContext, Task>)(context => context.Response.WriteAsync("l b p")));
        await using var server = await Serve(context =>
        {
            asked++;
            Assert.Equal("Bearer key", context.Request.Headers.Authorization);
            return answer(context);
        });
        File.WriteAllText(_files.File("key"), "key\n");
        using var webhook = new WebhookMessage(
            new WebhookOptions { Url = server.Urls.First(), EverySeconds = 10, KeyFile = _files.File("key") }, _clock);

        Assert.Null(webhook.Now.Code);
        await webhook.Asking;
        Assert.Equal(("l b p", "l b p", 1), (webhook.Now.Code, webhook.Now.Code, asked));

        answer = context =>
        {
            context.Response.Redirect("http://elsewhere.invalid/");
            return Task.CompletedTask;
        };
        Assert.Equal("l b p", (await After(10, webhook)).Code);
        Assert.Equal("l b p", (await After(10, webhook)).Code);
        Assert.Contains("answers 302", (await After(11, webhook)).Problem!, StringComparison.Ordinal);
        answer = context => context.Response.WriteAsync("");
        Assert.Equal(MessageNow.None, await After(10, webhook));
        answer = context => context.Response.WriteAsync(new string('a', 100_000));
        await After(10, webhook);
        Assert.NotNull((await After(40, webhook)).Problem);
        answer = context => context.Response.WriteAsync("d o g");
        Assert.Equal("d o g", (await After(10, webhook)).Code);
    }

    [Theory]
    [InlineData("static and file", "expected one of")]
    [InlineData("nothing", "expected one of")]
    [InlineData("static", "static: the code contains 'cat'")]
    [InlineData("topic", "without + and #")]
    [InlineData("webhook", "webhook: url: expected an address")]
    [InlineData("password", "a password in the address")]
    public void What_cannot_be_is_told(string what, string problem)
    {
        var options = what switch
        {
            "static and file" => new MessageOptions { Static = "a b", File = "x" },
            "static" => new MessageOptions { Static = "cat" },
            "topic" => new MessageOptions { Topic = "a/+" },
            "webhook" => new MessageOptions { Webhook = new WebhookOptions { Url = "ftp://x" } },
            "password" => new MessageOptions { Webhook = new WebhookOptions { Url = "http://me:secret@x/" } },
            _ => new MessageOptions(),
        };

        var said = Assert.Single(options.Problems());
        Assert.Contains(problem, said, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", said, StringComparison.Ordinal);
    }

    private MessageNow After(Action change, FileMessage file)
    {
        change();
        _clock.Advance(TimeSpan.FromSeconds(1.1));
        return file.Now;
    }

    private async Task<MessageNow> After(double seconds, WebhookMessage webhook)
    {
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        _ = webhook.Now;
        await webhook.Asking;
        return webhook.Now;
    }

    private static async Task<WebApplication> Serve(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync(ServeRig.Stop);
        return app;
    }
}

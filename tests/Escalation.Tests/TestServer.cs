using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Vlm.Escalation.Chat;
using Vlm.Escalation.Work;

namespace Vlm.Escalation.Tests;

/// <summary>A real server on a free port, and a client with its key.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    public const string Key = "test-key";

    // The key of every test, in the environment of this process: no test needs another one there.
    private const string Variable = "ESCALATION_TEST_KEYS";

    static TestServer() => Environment.SetEnvironmentVariable(Variable, Key);

    private TestServer(WebApplication app)
    {
        App = app;
        Url = new Uri(app.Urls.First());
        Client = new HttpClient { BaseAddress = Url, Timeout = TimeSpan.FromSeconds(60) };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
    }

    public static EscalationOptions Options { get; } = new()
    {
        Listen = "http://127.0.0.1:0",
        Model = new ModelOptions { Path = "nowhere", Name = "scripted" },
        Keys = new KeyOptions { Environment = Variable },
        // A window on a clock that a test moves by hand would never close.
        Queue = new QueueOptions { WindowMilliseconds = 0 },
        // Three hundred clients of a test have one key.
        Limits = new LimitOptions { RequestsPerMinute = 0 },
    };

    public WebApplication App { get; }

    public Uri Url { get; }

    public HttpClient Client { get; }

    public Endpoint Endpoint => App.Services.GetRequiredService<Endpoint>();

    public SolveQueue Queue => Endpoint.Queue;

    /// <summary>Starts a server and waits until it is ready.</summary>
    public static async Task<TestServer> StartAsync(Func<IModel> open, EscalationOptions? options = null, TimeProvider? time = null)
    {
        var server = await StartColdAsync(open, options, time);
        var slot = server.Endpoint.Slot;
        await Until(() => slot.IsReady);
        return server;
    }

    public static Task<TestServer> StartAsync(IModel model, EscalationOptions? options = null, TimeProvider? time = null) =>
        StartAsync(() => model, options, time);

    /// <summary>Starts a server whose model may still be loading.</summary>
    public static async Task<TestServer> StartColdAsync(Func<IModel> open, EscalationOptions? options = null, TimeProvider? time = null)
    {
        var app = Server.Build(options ?? Options, open, time ?? TimeProvider.System);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestServer(app);
    }

    /// <summary>Waits for something that another thread will do, half a minute at most.</summary>
    public static Task Until(Func<bool> condition) => Until(() => Task.FromResult(condition()));

    /// <inheritdoc cref="Until(Func{bool})"/>
    public static async Task Until(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, "It did not come to pass within 30 s.");
            await Task.Delay(2, TestContext.Current.CancellationToken);
        }
    }

    public Task<HttpResponseMessage> AskAsync(object? changes = null, params (string Name, string Value)[] headers) =>
        SendAsync(Requests.Body(changes), TestContext.Current.CancellationToken, headers);

    /// <summary>Asks, and hangs up when the token says so.</summary>
    public Task<HttpResponseMessage> AskUntilAsync(CancellationToken hangUp) => SendAsync(Requests.Body(), hangUp);

    public async Task<string> PostAsync(string body, int status, string type = "application/json")
    {
        using var content = new StringContent(body, Encoding.UTF8, type);
        using var response = await Client.PostAsync("/v1/chat/completions", content, TestContext.Current.CancellationToken);
        return await ErrorCodeAsync(response, status);
    }

    /// <summary>The code of an error object, whose shape is checked.</summary>
    public static async Task<string> ErrorCodeAsync(HttpResponseMessage response, int status)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode} instead of {status}: {text}");
        using var json = JsonDocument.Parse(text);
        var error = json.RootElement.GetProperty("error");
        Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(property => property.Name));
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        return error.GetProperty("code").GetString()!;
    }

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>The value of a line of <c>/metrics</c>.</summary>
    public async Task<double> MetricAsync(string line)
    {
        var page = await Client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        var found = page.Split('\n').Single(each => each.StartsWith(line + " ", StringComparison.Ordinal));
        return double.Parse(found[line.Length..]);
    }

    private Task<HttpResponseMessage> SendAsync(JsonObject body, CancellationToken cancellation, params (string Name, string Value)[] headers)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = Requests.Json(body) };
        foreach (var (name, value) in headers) message.Headers.Add(name, value);
        return Client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.DisposeAsync();
    }
}

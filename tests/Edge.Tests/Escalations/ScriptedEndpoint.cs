using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Vlm.Cryptogram;

namespace Vlm.Edge.Tests.Escalations;

/// <summary>A request as it arrived.</summary>
internal sealed record SeenRequest(int Number, string Key, string RequestId, string Deadline, string Authorization, string Body)
{
    /// <summary>What the user is told: the text part.</summary>
    public string Text
    {
        get
        {
            using var json = JsonDocument.Parse(Body);
            return json.RootElement.GetProperty("messages")[0].GetProperty("content")[1].GetProperty("text").GetString()!;
        }
    }
}

/// <summary>A real server on a free port that answers as a test says.</summary>
internal sealed class ScriptedEndpoint : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Func<HttpContext, SeenRequest, Task> _answer;
    private int _count;
    private int _underWay;

    private ScriptedEndpoint(WebApplication app, Func<HttpContext, SeenRequest, Task> answer) => (_app, _answer) = (app, answer);

    /// <summary>Base address, with the version.</summary>
    public string Url =>
        _app.Urls.First().Replace("127.0.0.1", _app.Urls.First().StartsWith("https", StringComparison.Ordinal) ? "localhost" : "127.0.0.1",
        StringComparison.Ordinal) + "/v1";

    public ConcurrentQueue<SeenRequest> Requests { get; } = new();

    /// <summary>Most requests at the same time so far.</summary>
    public int MostAtOnce { get; private set; }

    public static Task<ScriptedEndpoint> Start(Func<HttpContext, SeenRequest, Task> answer) => Start(answer, 0, null, false);

    public static async Task<ScriptedEndpoint> Start(Func<HttpContext, SeenRequest, Task> answer, int port, X509Certificate2? certificate,
        bool wantsCertificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Limits.MinResponseDataRate = null;
            options.Listen(IPAddress.Loopback, port, listen =>
            {
                if (certificate is null) return;
                listen.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = certificate,
                    ClientCertificateMode = wantsCertificate ? ClientCertificateMode.RequireCertificate : ClientCertificateMode.NoCertificate,
                    ClientCertificateValidation = (_, _, _) => true,
                });
            });
        });
        var endpoint = new ScriptedEndpoint(builder.Build(), answer);
        endpoint._app.Run(endpoint.Take);
        await endpoint._app.StartAsync(TestContext.Current.CancellationToken);
        return endpoint;
    }

    /// <summary>An endpoint that gives each request the next of some statuses, the last one for ever; 200 comes with the right answer.</summary>
    public static Task<ScriptedEndpoint> OfStatuses(params int[] statuses) => Start((context, seen) =>
    {
        var status = statuses[Math.Min(seen.Number, statuses.Length) - 1];
        if (status == 200) return Right(context, seen);
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { error = new { message = "as scripted" } });
    });

    /// <summary>The right answer: every coded letter stands for itself.</summary>
    public static Task Right(HttpContext context, SeenRequest seen) => Says(context, Reply(Message.FromSpaced(seen.Text)));

    /// <summary>A well-formed reply with some answer.</summary>
    public static string Reply(string answer) => ReplyText.Ending(answer);

    public static Task Says(HttpContext context, string content, string? finish = "stop") => context.Response.WriteAsJsonAsync(new
    {
        id = "c1",
        model = "larger",
        usage = new { prompt_tokens = 5 },
        choices = new[] { new { index = 0, message = new { role = "assistant", content }, finish_reason = finish } },
    });

    /// <summary>A well-formed reply, and what the endpoint says of the picture.</summary>
    public static Task Says(HttpContext context, string content, string status, string unseen, (double Confidence, bool IsCertified)? gate = null) =>
        context.Response.WriteAsJsonAsync(new
        {
            id = "c1",
            model = "larger",
            choices = new[] { new { index = 0, message = new { role = "assistant", content }, finish_reason = "stop" } },
            reading = new
            {
                status,
                unseen = unseen.Select(letter => letter.ToString()),
                confidence = gate?.Confidence,
                certified = gate?.IsCertified,
            },
        });

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task Take(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method)) return;
        lock (Requests) MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref _underWay));
        try
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var body = await reader.ReadToEndAsync(context.RequestAborted);
            string Header(string name) => context.Request.Headers[name].ToString();
            var seen = new SeenRequest(
                Interlocked.Increment(ref _count), Header("Idempotency-Key"), Header("X-Request-Id"), Header("X-Request-Deadline-Ms"), Header("Authorization"),
                    body);
            Requests.Enqueue(seen);
            await _answer(context, seen);
        }
        catch (OperationCanceledException)
        {
            // The client left, as many tests make it do.
            context.Abort();
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    /// <summary>A port on which nobody listens, and that nobody else gets until the socket is closed.</summary>
    public static Socket SilentPort(out int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        return socket;
    }
}

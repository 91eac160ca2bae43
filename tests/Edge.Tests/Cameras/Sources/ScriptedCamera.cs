using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Tests.Cameras.Sources;

/// <summary>A camera on HTTP, on a free port, that does what a test says.</summary>
internal sealed partial class ScriptedCamera : IAsyncDisposable
{
    public const string User = "box", Password = "pass/wörd@1";
    private const string Realm = "camera", Nonce = "0a4f113b";
    private readonly WebApplication _app;
    private int _requests;

    private ScriptedCamera(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.First() + "/picture");

    public int Requests => _requests;

    public static async Task<ScriptedCamera> Start(Func<HttpContext, int, Task> answer, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null) listen.UseHttps(certificate);
        }));
        var camera = new ScriptedCamera(builder.Build());
        camera._app.Run(async context =>
        {
            try
            {
                await answer(context, Interlocked.Increment(ref camera._requests));
            }
            catch (OperationCanceledException)
            {
                // The box left, as many tests make it do.
                context.Abort();
            }
        });
        await camera._app.StartAsync(TestContext.Current.CancellationToken);
        return camera;
    }

    /// <summary>Gives one picture file.</summary>
    public static async Task Picture(HttpContext context, byte[] picture, string type = "image/jpeg")
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = picture.Length;
        await context.Response.Body.WriteAsync(picture, context.RequestAborted);
    }

    /// <summary>Begins a stream of JPEGs.</summary>
    public static Task Stream(HttpContext context, string boundary = "frame")
    {
        context.Response.ContentType = $"multipart/x-mixed-replace; boundary={boundary}";
        return context.Response.Body.FlushAsync(context.RequestAborted);
    }

    /// <summary>Sends one part of a stream.</summary>
    /// <param name="context">The request.</param>
    /// <param name="picture">The picture.</param>
    /// <param name="length">What it says of its length; null for nothing.</param>
    public static async Task Part(HttpContext context, byte[] picture, int? length)
    {
        var head = $"--frame\r\nContent-Type: image/jpeg\r\n{(length is { } said ? $"Content-Length: {said}\r\n" : "")}\r\n";
        await context.Response.Body.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. picture, 13, 10], context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    /// <summary>Whether the request has the right basic credentials; else asks for them.</summary>
    public static bool Basic(HttpContext context)
    {
        if (context.Request.Headers.Authorization == "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}"))) return true;
        context.Response.StatusCode = 401;
        context.Response.Headers.WWWAuthenticate = $"Basic realm=\"{Realm}\", charset=\"UTF-8\"";
        return false;
    }

    /// <summary>Whether the request has the right digest credentials (RFC 7616, MD5); else asks for them.</summary>
    public static bool Digest(HttpContext context)
    {
        var said = DigestPart().Matches(context.Request.Headers.Authorization.ToString())
            .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value.Trim('"'));
        if (said.TryGetValue("response", out var response) && said.TryGetValue("uri", out var uri))
        {
            var who = Md5($"{User}:{Realm}:{Password}");
            var what = Md5($"{context.Request.Method}:{uri}");
            if (response == Md5($"{who}:{Nonce}:{said.GetValueOrDefault("nc")}:{said.GetValueOrDefault("cnonce")}:auth:{what}")) return true;
        }
        context.Response.StatusCode = 401;
        context.Response.Headers.WWWAuthenticate = $"Digest realm=\"{Realm}\", nonce=\"{Nonce}\", qop=\"auth\"";
        return false;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

#pragma warning disable CA5351 // MD5 is what cameras speak.
    private static string Md5(string text) => Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5351

    [GeneratedRegex("""(\w+)=("[^"]*"|[^",\s]+)""")]
    private static partial Regex DigestPart();
}

using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Vlm.Trainer.Tests.Hub;

/// <summary>
/// A hub on this machine, with the endpoints of the real one: the list of a revision, files by commit, large ones by way of another host (here another
/// port), ranges.
/// </summary>
internal sealed class HubServer : IAsyncDisposable
{
    public const string Repository = "Qwen/Tiny-VL";
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";
    private readonly WebApplication _hub;
    private readonly WebApplication _store;

    private HubServer(WebApplication hub, WebApplication store) => (_hub, _store) = (hub, store);

    /// <summary>The files of the repository.</summary>
    public Dictionary<string, byte[]> Files { get; } = new()
    {
        ["config.json"] = Encoding.UTF8.GetBytes("{}"),
        ["model-00001-of-00002.safetensors"] = Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31)).ToArray(),
        ["model-00002-of-00002.safetensors"] = Enumerable.Range(0, 5_000).Select(i => (byte)(i * 7)).ToArray(),
        ["tokenizer.json"] = Encoding.UTF8.GetBytes("{\"model\":{}}"),
        ["pytorch_model.bin"] = [1, 2, 3],
        ["onnx/model.onnx"] = [1, 2, 3],
        ["../outside.json"] = [1, 2, 3],
    };

    /// <summary>The token that opens it; null lets everybody in.</summary>
    public string? Token { get; set; }

    /// <summary>After so many bytes a large file's answer breaks off, for so many answers.</summary>
    public (int Bytes, int Times) BreakOff { get; set; }

    /// <summary>Whether the store ignores ranges.</summary>
    public bool IgnoresRanges { get; set; }

    /// <summary>Answers 503 so many times first.</summary>
    public int Unwell { get; set; }

    /// <summary>"host path range authorization" of every request for a file.</summary>
    public List<string> Requests { get; } = [];

    public string Url => _hub.Urls.First();

    public static async Task<HubServer> Start()
    {
        var (hub, store) = (Create(), Create());
        var server = new HubServer(hub, store);
        hub.MapGet("/api/models/{owner}/{name}/revision/{revision}", server.List);
        hub.MapGet("/{owner}/{name}/resolve/{commit}/{file}", server.Resolve);
        store.MapGet("/blob/{file}", server.Send);
        await hub.StartAsync(TestContext.Current.CancellationToken);
        await store.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _store.DisposeAsync();
    }

    private static WebApplication Create()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        return builder.Build();
    }

    private bool IsIn(HttpContext context)
    {
        if (Token is null || context.Request.Headers.Authorization == $"Bearer {Token}") return true;
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.Headers["X-Error-Message"] = "Access to model is restricted.";
        return false;
    }

    private async Task List(HttpContext context)
    {
        if (!IsIn(context)) return;
        var route = context.Request.RouteValues;
        var (name, revision) = ($"{route["owner"]}/{route["name"]}", (string)route["revision"]!);
        if (Unwell-- > 0) context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        else if (name == "Old/Name") context.Response.Redirect($"/api/models/{Repository}/revision/{revision}?blobs=true");
        else if (name != Repository || revision is not ("main" or Commit)) context.Response.StatusCode = StatusCodes.Status404NotFound;
        else if (context.Request.Query["blobs"] != "true") context.Response.StatusCode = StatusCodes.Status400BadRequest;
        else await context.Response.WriteAsync(JsonSerializer.Serialize(new { id = Repository, sha = Commit, siblings = Files.Select(Sibling) }));
    }

    private static object Sibling(KeyValuePair<string, byte[]> file) => IsLarge(file.Key)
        ? new { rfilename = file.Key, size = file.Value.Length, blobId = GitHash([]), lfs = new { sha256 = Hash(file.Value), size = file.Value.Length } }
        : new { rfilename = file.Key, size = file.Value.Length, blobId = GitHash(file.Value) };

    private static bool IsLarge(string name) => name.EndsWith(".safetensors", StringComparison.Ordinal);

    private async Task Resolve(HttpContext context)
    {
        if (!IsIn(context)) return;
        var file = (string)context.Request.RouteValues["file"]!;
        if (!IsLarge(file)) await Send(context);
        else context.Response.Redirect($"{_store.Urls.First()}/blob/{file}");
    }

    private async Task Send(HttpContext context)
    {
        var file = (string)context.Request.RouteValues["file"]!;
        var (host, headers) = (context.Request.Path.StartsWithSegments("/blob") ? "store" : "hub", context.Request.Headers);
        lock (Requests) Requests.Add($"{host} {file} {headers.Range} {headers.Authorization}".TrimEnd());
        var bytes = Served(file);
        var from = IgnoresRanges ? 0 : (int)(context.Request.GetTypedHeaders().Range?.Ranges.First().From ?? 0);
        if (from > 0)
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = $"bytes {from}-{bytes.Length - 1}/{bytes.Length}";
        }
        context.Response.ContentLength = bytes.Length - from;
        if (IsLarge(file) && BreakOff is { Times: > 0 } cut && cut.Bytes < bytes.Length - from)
        {
            BreakOff = cut with { Times = cut.Times - 1 };
            await context.Response.Body.WriteAsync(bytes.AsMemory(from, cut.Bytes));
            await context.Response.Body.FlushAsync();
            context.Abort();
            return;
        }
        await context.Response.Body.WriteAsync(bytes.AsMemory(from));
    }

    /// <summary>What is sent in place of a file, for a store that is damaged.</summary>
    public Func<string, byte[]>? Damaged { get; set; }

    private byte[] Served(string file) => Damaged?.Invoke(file) ?? Files[file];

    public static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

#pragma warning disable CA5350 // As git does.
    public static string GitHash(byte[] bytes) => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes]));
#pragma warning restore CA5350
}

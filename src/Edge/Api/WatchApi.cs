using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Watching;
using Vlm.Hosting;
using Vlm.Hosting.Http;
using Vlm.Text;

namespace Vlm.Edge.Api;

/// <summary>What is published of a camera.</summary>
internal sealed record PublishedBody(string Id, string? Answer, string Code, double? Confidence, bool Certified, string AnsweredBy, DateTimeOffset At)
{
    public static PublishedBody From(PublishedState state) => new(
        state.Answer.Id, state.Answer.Text, state.Code, state.Answer.Confidence, state.Answer.IsCertified, state.Answer.By.ToLabel(), state.At);
}

/// <summary>What the daemon makes of a camera's pictures.</summary>
internal sealed record WatchBody(
    string Camera, bool Paused, string? Code, string? MessageProblem, PublishedBody? Published, string? LastOutcome, DateTimeOffset? LastLook,
    double WaitingSeconds)
{
    public static WatchBody From(WatcherState state) => new(
        state.Camera,
        state.IsPaused,
        state.Message.Code,
        state.Message.Problem,
        state.Published is { } published ? PublishedBody.From(published) : null,
        state.Last?.Outcome.ToLabel(),
        state.Last?.At,
        Math.Round(state.Waiting.TotalSeconds, 3));
}

/// <summary><c>/api/v1/cameras/{name}</c>: its picture, for people who may see pictures; to pause it and to let it go on.</summary>
internal static class WatchApi
{
    // One picture at a time is pixels here, whoever asks.
    private static readonly SemaphoreSlim Drawing = new(1);

    public static void Map(IEndpointRouteBuilder routes, WatchService watching)
    {
        var one = routes.MapGroup("/api/v1/cameras/{name}");
        one.MapGet("/picture", (RequestDelegate)(context => PictureAsync(context, watching))).Needs(Roles.See);
        one.MapPost("/pause", (RequestDelegate)(context => PauseAsync(context, watching, true))).Needs(Roles.Operate);
        one.MapPost("/resume", (RequestDelegate)(context => PauseAsync(context, watching, false))).Needs(Roles.Operate);
    }

    private static async Task PictureAsync(HttpContext context, WatchService watching)
    {
        var watcher = watching.Watchers.GetValueOrDefault(Name(context)) ?? throw Unknown(context);
        await Drawing.WaitAsync(context.RequestAborted);
        byte[]? file;
        try
        {
            file = watcher.Newest is { } frame ? FrameReader.Draw(frame.Encoded, watcher.View) : null;
        }
        finally
        {
            Drawing.Release();
        }
        if (file is null) throw new ApiException(ErrorReason.UnknownId, "There is no picture of this camera now: it is paused, or none has come yet.");
        context.Response.ContentType = "image/jpeg";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        await context.Response.Body.WriteAsync(file, context.RequestAborted);
    }

    private static Task PauseAsync(HttpContext context, WatchService watching, bool isPaused)
    {
        if (!watching.Pause(Name(context), isPaused) || watching.Watchers.GetValueOrDefault(Name(context)) is not { } watcher) throw Unknown(context);
        var body = WatchBody.From(watcher.Describe());
        return context.Response.WriteAsJsonAsync(body, ApiJson.Default.WatchBody, cancellationToken: context.RequestAborted);
    }

    private static string Name(HttpContext context) => (string)context.Request.RouteValues["name"]!;

    private static ApiException Unknown(HttpContext context)
    {
        var name = Name(context);
        return new ApiException(ErrorReason.UnknownId, $"There is no camera '{(name.Length > 64 ? name[..64] : name)}'.");
    }
}

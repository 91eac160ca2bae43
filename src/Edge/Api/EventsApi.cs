using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Answers;
using Vlm.Edge.Queries;
using Vlm.Hosting.Http;
using Vlm.Text;

namespace Vlm.Edge.Api;

/// <summary>The larger model's answer to a question that was answered before.</summary>
internal sealed record CorrectionEvent(string Id, string Answer, string Model, bool Agrees, string EscalationReason, DateTimeOffset At)
{
    public static CorrectionEvent From(string id, Correction correction) =>
        new(id, correction.Text, correction.Model, correction.Agrees, correction.Reason.ToLabel(), correction.At);
}

/// <summary>The larger model gave no answer, finally.</summary>
internal sealed record NotCorrectedEvent(string Id, string Reason);

/// <summary>Something that people should look at.</summary>
internal sealed record AlarmEvent(string Kind, string Message);

/// <summary>What people should have looked at is well again.</summary>
internal sealed record AlarmOverEvent(string Kind, DateTimeOffset Since);

/// <summary>A person said what the picture of a question says.</summary>
internal sealed record ReviewEvent(string Id, ReviewBody Review);

/// <summary>What the sheet before a camera says, to this message: read often enough.</summary>
internal sealed record PublishedEvent(string Camera, string Id, string Code, string Answer, double? Confidence, bool Certified, string AnsweredBy);

/// <summary>What was published of a camera holds no longer.</summary>
internal sealed record WithdrawnEvent(string Camera, string Id, string Reason);

/// <summary>Nothing new came from a camera for a while.</summary>
internal sealed record CameraDownEvent(string Camera, string State, string Reason, string Detail, DateTimeOffset Since)
{
    public static CameraDownEvent From(EdgeEvent.CameraDown down) => new(down.Camera, down.State, down.Reason, down.Detail, down.Since);
}

/// <summary>Pictures come from it again.</summary>
internal sealed record CameraUpEvent(string Camera, string State, DateTimeOffset Since);

/// <summary>
/// <c>GET /api/v1/events</c>: server-sent events <c>correction</c>, <c>no_correction</c>, <c>review</c>, <c>published</c>, <c>withdrawn</c>,
/// <c>camera_down</c>, <c>camera_up</c>, <c>alarm</c> and <c>alarm_over</c>.
/// </summary>
internal static class EventsApi
{
    // Keeps proxies from closing a quiet connection, and finds out that a client has gone.
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(15);

    public static void Map(IEndpointRouteBuilder routes, Daemon daemon, CancellationToken stopping) =>
        routes.MapGet("/api/v1/events", (RequestDelegate)(context => ListenAsync(context, daemon.Events, daemon.Clock, stopping)))
            .Needs(Reader.AnyRole);

    private static async Task ListenAsync(HttpContext context, EventStream events, TimeProvider clock, CancellationToken stopping)
    {
        var last = context.Request.Headers["Last-Event-ID"].ToString();
        using var subscription = events.Listen(
            long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null, Reader.Of(KeyCheck.Caller(context)).Only)
            ?? throw new ApiException(ErrorReason.TooManyListeners, "All places for listeners are taken.", retryAfter: TimeSpan.FromSeconds(30));
        context.Response.ContentType = "text/event-stream";
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            await WriteAsync(context, ": listening\n\n", ended.Token);
            while (await AnyAsync(context, subscription, (clock, ended.Token)))
            {
                while (subscription.Events.TryRead(out var happened)) await WriteAsync(context, Text(happened), ended.Token);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The client or the daemon goes; either way the stream ends here.
        }
    }

    /// <summary>Waits for an event, with a comment now and then.</summary>
    /// <returns>False when the stream ends: the client fell too far behind.</returns>
    private static async Task<bool> AnyAsync(HttpContext context, EventStream.Subscription subscription, (TimeProvider Clock, CancellationToken Ended) wait)
    {
        var next = subscription.Events.WaitToReadAsync(wait.Ended).AsTask();
        while (true)
        {
            try
            {
                return await next.WaitAsync(Beat, wait.Clock, wait.Ended);
            }
            catch (TimeoutException)
            {
                await WriteAsync(context, ": \n\n", wait.Ended);
            }
        }
    }

    private static async Task WriteAsync(HttpContext context, string text, CancellationToken ended)
    {
        await context.Response.WriteAsync(text, ended);
        await context.Response.Body.FlushAsync(ended);
    }

    private static string Text(NumberedEvent happened)
    {
        var (name, json) = happened.Event switch
        {
            EdgeEvent.Corrected(var id, var correction) =>
                ("correction", JsonSerializer.Serialize(CorrectionEvent.From(id, correction), ApiJson.Default.CorrectionEvent)),
            EdgeEvent.NotCorrected(var id, var reason) =>
                ("no_correction", JsonSerializer.Serialize(new NotCorrectedEvent(id, reason), ApiJson.Default.NotCorrectedEvent)),
            EdgeEvent.Alarm(var kind, var message) => ("alarm", JsonSerializer.Serialize(new AlarmEvent(kind, message), ApiJson.Default.AlarmEvent)),
            EdgeEvent.AlarmOver(var kind, var since) =>
                ("alarm_over", JsonSerializer.Serialize(new AlarmOverEvent(kind, since), ApiJson.Default.AlarmOverEvent)),
            EdgeEvent.Reviewed(var id, var review) =>
                ("review", JsonSerializer.Serialize(new ReviewEvent(id, ReviewBody.From(review)), ApiJson.Default.ReviewEvent)),
            EdgeEvent.Published(var camera, var id, var code, var text, var confidence, var isCertified, var by) =>
                ("published", JsonSerializer.Serialize(
                    new PublishedEvent(camera, id, code, text, confidence, isCertified, by.ToLabel()), ApiJson.Default.PublishedEvent)),
            EdgeEvent.Withdrawn(var camera, var id, var reason) =>
                ("withdrawn", JsonSerializer.Serialize(new WithdrawnEvent(camera, id, reason), ApiJson.Default.WithdrawnEvent)),
            EdgeEvent.CameraDown down => ("camera_down", JsonSerializer.Serialize(CameraDownEvent.From(down), ApiJson.Default.CameraDownEvent)),
            EdgeEvent.CameraUp(var camera, var state, var since) =>
                ("camera_up", JsonSerializer.Serialize(new CameraUpEvent(camera, state, since), ApiJson.Default.CameraUpEvent)),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return $"id: {happened.Number}\nevent: {name}\ndata: {json}\n\n";
    }
}

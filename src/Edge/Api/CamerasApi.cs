using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Edge.Api;

/// <summary>
/// A camera. <c>state</c> is online, degraded, frozen or offline, <c>reason</c> says why, <c>detail</c> the same for people; <c>age_seconds</c> is that of the
/// newest intact picture, and <c>width</c> and <c>height</c> are its size; the numbers count since the daemon started.
/// </summary>
internal sealed record CameraBody(
    string Name, string Source, string Place, string State, string Reason, string Detail, DateTimeOffset Since, double? AgeSeconds, int? Width, int? Height,
    long Frames, long Damaged, long Dropped, long Openings)
{
    public static CameraBody From(Camera camera, DateTimeOffset since)
    {
        var view = camera.Now;
        var header = view.Newest is { } newest ? ImageCodec.Peek(newest.Encoded.Span) : null;
        return new CameraBody(
            camera.Name, camera.Options.Kind.ToLabel(), camera.Options.Place, view.State.Condition.ToLabel(), view.State.Reason.ToLabel(), view.Detail, since,
            view.Age is { } age ? Math.Round(age.TotalSeconds, 3) : null, header?.Width, header?.Height, view.Counts.Frames, view.Counts.Damaged,
            view.Counts.Dropped, view.Counts.Epoch);
    }
}

/// <summary><c>POST /api/v1/cameras/{name}/frames</c>: a picture of a camera that pushes.</summary>
internal static class CamerasApi
{
    public static void Map(IEndpointRouteBuilder routes, Daemon daemon)
    {
        var memory = new BodyMemory(daemon.Config.Server.BodyLimitBytes);
        routes.MapPost("/api/v1/cameras/{name}/frames", (RequestDelegate)(context => TakeAsync(context, daemon, memory)));
    }

    private static async Task TakeAsync(HttpContext context, Daemon daemon, BodyMemory memory)
    {
        var name = (string)context.Request.RouteValues["name"]!;
        var camera = daemon.Cameras.Find(name) ?? throw new ApiException(
            ErrorReason.UnknownId, $"There is no camera '{(name.Length > 40 ? name[..40] : name)}'. Names stand in the configuration.");
        if (camera.Source is not PushSource source)
        {
            throw new ApiException(ErrorReason.InvalidRequest,
                $"The camera '{name}' takes no pictures that are posted: its source is {camera.Options.Kind.ToLabel()}. With push: true it would.");
        }
        var type = context.Request.ContentType ?? "";
        if (!type.StartsWith("image/", StringComparison.OrdinalIgnoreCase))
            throw new ApiException(ErrorReason.UnsupportedMediaType, $"The content type is '{type}'. Send the picture itself, such as image/jpeg.");
        var server = daemon.Config.Server;
        var limits = new BodyLimits(Math.Min(server.BodyLimitBytes, camera.Options.MaxBytes), TimeSpan.FromSeconds(server.BodySeconds), daemon.Clock, memory);
        var picture = (await RequestBody.ReadAsync(context.Request, limits, context.RequestAborted)).ToArray();
        if (picture.Length > camera.Options.MaxBytes)
            throw new ApiException(ErrorReason.RequestTooLarge, $"The picture has {picture.Length} bytes; max_bytes allows {camera.Options.MaxBytes}.");
        PictureFile.CheckHeader(picture, server.PixelLimit, "picture");
        if (source.Post(picture) == FrameIntegrity.Damaged)
            throw new ApiException(ErrorReason.UnusablePicture, "The JPEG ends before its end. It counts as a damaged picture of the camera.", "picture");
        context.Response.StatusCode = StatusCodes.Status202Accepted;
    }
}

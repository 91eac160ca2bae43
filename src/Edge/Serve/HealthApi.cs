using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace Vlm.Edge.Serve;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: it takes questions; 503 once it is told to end. Neither needs a key.</summary>
internal static class HealthApi
{
    public static void Map(IEndpointRouteBuilder routes, IHostApplicationLifetime life)
    {
        routes.MapGet("/health/live", (RequestDelegate)(context => SayAsync(context, "ok")));
        routes.MapGet("/health/ready", (RequestDelegate)(context =>
        {
            var isReady = !life.ApplicationStopping.IsCancellationRequested;
            if (!isReady) context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return SayAsync(context, isReady ? "ready" : "stopping");
        }));
    }

    private static Task SayAsync(HttpContext context, string status)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"status":"{{status}}"}""", context.RequestAborted);
    }
}

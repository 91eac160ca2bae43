using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Vlm.Hosting.Http;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: send requests here; 503 while it must not be. Neither needs a key.</summary>
public static class Health
{
    /// <summary>Adds both.</summary>
    /// <param name="routes">Where to.</param>
    /// <param name="obstacle">Why no requests should come now, in a word or two; null when they may.</param>
    public static void Map(IEndpointRouteBuilder routes, Func<string?> obstacle)
    {
        routes.MapGet("/health/live", (RequestDelegate)(context => WriteAsync(context, "ok")));
        routes.MapGet("/health/ready", (RequestDelegate)(context =>
        {
            var found = obstacle();
            if (found is not null) context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return WriteAsync(context, found ?? "ready");
        }));
    }

    private static Task WriteAsync(HttpContext context, string status)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"status":"{{status}}"}""", context.RequestAborted);
    }
}

using Microsoft.AspNetCore.Http;
using Vlm.Escalation.Work;

namespace Vlm.Escalation.Serve;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: send requests here; 503 while the model loads and once the server ends.</summary>
internal sealed class HealthApi(ModelSlot slot)
{
    public static Task LiveAsync(HttpContext context) => Say(context, "ok");

    public Task ReadyAsync(HttpContext context)
    {
        if (!slot.IsReady) context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Say(context, slot.IsReady ? "ready" : "not ready");
    }

    private static Task Say(HttpContext context, string status)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"status":"{{status}}"}""", context.RequestAborted);
    }
}

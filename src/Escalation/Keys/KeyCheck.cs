using Microsoft.AspNetCore.Http;
using Vlm.Escalation.Errors;

namespace Vlm.Escalation.Keys;

/// <summary>Sends away who has no key. Runs before a body is read.</summary>
internal sealed class KeyCheck(RequestDelegate next, ApiKeys keys)
{
    private const string Scheme = "Bearer ";

    /// <summary>Who asks, for whatever needs to tell callers apart.</summary>
    public static string Caller(HttpContext context) => context.Items[typeof(KeyCheck)] as string ?? "";

    public Task InvokeAsync(HttpContext context)
    {
        if (!keys.IsRequired) return next(context);
        var header = context.Request.Headers.Authorization.ToString();
        var key = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;
        context.Items[typeof(KeyCheck)] = keys.NameOf(key) ?? throw new ApiException(ErrorReason.InvalidApiKey, key is null
            ? "No API key. Send the header 'Authorization: Bearer <key>'."
            : "The API key is not known here. Ask the operator for one.");
        return next(context);
    }
}

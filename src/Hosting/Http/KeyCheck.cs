using Microsoft.AspNetCore.Http;

namespace Vlm.Hosting.Http;

/// <summary>Sends away clients without a key. Runs before a body is read.</summary>
public sealed class KeyCheck(RequestDelegate next, ApiKeys keys)
{
    private const string Scheme = "Bearer ";

    /// <summary>The name of the client's key; empty when keys are not required.</summary>
    public static string Caller(HttpContext context) => context.Items[typeof(KeyCheck)] as string ?? "";

    /// <summary>Handles a request.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (!keys.IsRequired) return next(context);
        var header = context.Request.Headers.Authorization.ToString();
        var key = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;
        context.Items[typeof(KeyCheck)] = keys.FindName(key) ?? throw new ApiException(ErrorReason.InvalidApiKey, string.IsNullOrEmpty(key)
            ? "No API key. Send the header 'Authorization: Bearer <key>'."
            : "The API key is not known here. Ask the operator for one.");
        return next(context);
    }
}

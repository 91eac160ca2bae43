using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Vlm.Hosting.Http;

/// <summary>Sends away clients without a key, without the role that a route needs, or that ask too often. Runs before a body is read.</summary>
public sealed class KeyCheck(RequestDelegate next, Doors doors)
{
    private const string Scheme = "Bearer ";

    /// <summary>Whose request it is.</summary>
    public static Caller Caller(HttpContext context) => context.Items[typeof(KeyCheck)] as Caller ?? Hosting.Caller.Anybody;

    /// <summary>Handles a request.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        var now = doors.Now;
        if (!now.Keys.IsRequired) return next(context);
        var header = context.Request.Headers.Authorization.ToString();
        var key = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;
        var caller = now.Keys.Find(key) ?? throw new ApiException(ErrorReason.InvalidApiKey, string.IsNullOrEmpty(key)
            ? "No API key. Send the header 'Authorization: Bearer <key>'."
            : "The API key is not known here. Ask the operator for one.");
        var needed = context.GetEndpoint()?.Metadata.GetMetadata<NeededRole>()?.Role ?? Roles.Ask;
        if ((caller.Roles & needed) == 0)
        {
            throw new ApiException(ErrorReason.RoleMissing,
                $"The key '{caller.Name}' has the roles {RoleNames.Write(caller.Roles)}; this needs {RoleNames.Write(needed)}. Ask the operator for it.");
        }
        if (now.Rates.Take(caller.Name) is var wait && wait > TimeSpan.Zero)
        {
            throw new ApiException(ErrorReason.RateLimited,
                $"The key '{caller.Name}' asks more than {now.Options.Rate.PerMinute} times a minute. Try again after the time in Retry-After.",
                retryAfter: wait);
        }
        context.Items[typeof(KeyCheck)] = caller;
        return next(context);
    }
}

/// <summary>The role that a route needs; of several any will do.</summary>
public sealed record NeededRole(Roles Role);

/// <summary>Routes that need another role than to ask.</summary>
public static class NeededRoles
{
    /// <summary>Names the role that a route needs.</summary>
    public static T Needs<T>(this T route, Roles role)
        where T : IEndpointConventionBuilder => route.WithMetadata(new NeededRole(role));
}

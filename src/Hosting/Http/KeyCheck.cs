using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Vlm.Hosting.Http;

/// <summary>Sends away clients without a key, without the role that a route needs, or that ask too often. Runs before a body is read.</summary>
public sealed class KeyCheck(RequestDelegate next, Doors doors)
{
    private const string Bearer = "Bearer ", Basic = "Basic ";

    /// <summary>Whose request it is.</summary>
    public static Caller Caller(HttpContext context) => context.Items[typeof(KeyCheck)] as Caller ?? Hosting.Caller.Anybody;

    /// <summary>Handles a request.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        var now = doors.Now;
        if (!now.Keys.IsRequired) return next(context);
        var key = KeyOf(context.Request.Headers.Authorization.ToString());
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

    /// <summary>The key in the header <c>Authorization</c>: as programs send it, or as a browser does, as the password of any user name.</summary>
    /// <returns>Null when there is none.</returns>
    public static string? KeyOf(string header)
    {
        if (header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return header[Bearer.Length..].Trim();
        if (!header.StartsWith(Basic, StringComparison.OrdinalIgnoreCase)) return null;
        var packed = header[Basic.Length..].Trim();
        var bytes = new byte[packed.Length];
        if (!Convert.TryFromBase64String(packed, bytes, out var length)) return null;
        var pair = Encoding.UTF8.GetString(bytes, 0, length);
        return pair.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? pair[(colon + 1)..] : null;
    }
}

/// <summary>The role that a route needs; of several any will do.</summary>
public sealed record NeededRole(Roles Role);

/// <summary>People come to this route with a browser, which is to ask them for the key.</summary>
public sealed record BrowserRoute;

/// <summary>Routes that need another role than to ask.</summary>
public static class NeededRoles
{
    /// <summary>Names the role that a route needs.</summary>
    public static T Needs<T>(this T route, Roles role)
        where T : IEndpointConventionBuilder => route.WithMetadata(new NeededRole(role));

    /// <summary>Says that people come to a route with a browser.</summary>
    public static T ForBrowsers<T>(this T route)
        where T : IEndpointConventionBuilder => route.WithMetadata(new BrowserRoute());
}

using System.Net;
using Microsoft.AspNetCore.Http;

namespace Vlm.Hosting.Http;

/// <summary>
/// The names by which this service may be spoken to. A page of the web can make a browser ask under the page's own name, which it has pointed here (DNS
/// rebinding): then the header <c>Host</c> has that name. An address, or a name without a dot, cannot be another site's.
/// </summary>
public sealed class HostNames
{
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="listen">The address that is listened at.</param>
    /// <param name="more">Names under which clients reach it besides.</param>
    public HostNames(string listen, IEnumerable<string> more) =>
        _names.UnionWith([new Uri(listen).Host, Environment.MachineName, .. more.Select(name => name.TrimEnd('.'))]);

    /// <summary>Refuses requests under foreign names, and those that a page of another site makes a browser send.</summary>
    /// <exception cref="ApiException">It is such a one.</exception>
    public void Check(HttpRequest request)
    {
        var host = request.Host.Host;
        if (host.Length > 0 && !IsOurs(host))
        {
            throw new ApiException(ErrorReason.ForeignHost, $"This service is not called '{Shown(host)}'. Speak to it by its address, or put the name among "
                + "'hosts' of its configuration.", "Host");
        }
        var origin = request.Headers.Origin.ToString();
        if (origin.Length > 0 ? !IsOurOrigin(origin, request.Host) : request.Headers["Sec-Fetch-Site"] == "cross-site")
            throw new ApiException(ErrorReason.ForeignOrigin, $"A page of another site ({Shown(origin)}) may not ask here.", "Origin");
    }

    private bool IsOurs(string host)
    {
        var name = host.TrimEnd('.');
        return !name.Contains('.', StringComparison.Ordinal) || IPAddress.TryParse(name.Trim('[', ']'), out _) || _names.Contains(name);
    }

    private bool IsOurOrigin(string origin, HostString host) => Uri.TryCreate(origin, UriKind.Absolute, out var page)
        && (page.Authority.Equals(host.Value, StringComparison.OrdinalIgnoreCase) || (page.Host.Contains('.') && _names.Contains(page.Host)));

    private static string Shown(string text) => text.Length <= 100 ? text : text[..100] + "…";
}

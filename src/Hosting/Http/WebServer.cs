using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Vlm.Hosting.Http;

/// <summary>What a web server takes.</summary>
/// <param name="Listen">Where it listens; port 0 takes a free one.</param>
/// <param name="BodyBytes">Largest body.</param>
/// <param name="Connections">Connections at the same time; one more is closed.</param>
/// <param name="Drain">How long the end waits for requests in flight.</param>
public sealed record WebLimits(string Listen, int BodyBytes, int Connections, TimeSpan Drain);

/// <summary>
/// The web server of a service. What it listens on and how it behaves is in its configuration alone: no other file and no variable changes it.
/// </summary>
public static class WebServer
{
    /// <summary>A server with logs on the console and without routes.</summary>
    public static WebApplicationBuilder CreateBuilder(WebLimits limits)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddSimpleConsole(console =>
            (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        var addresses = FindAddresses(new Uri(limits.Listen));
        builder.WebHost.UseKestrelCore().UseUrls(addresses.Length == 0 ? [limits.Listen] : []).ConfigureKestrel(kestrel =>
        {
            foreach (var address in addresses) kestrel.Listen(address, new Uri(limits.Listen).Port);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = limits.BodyBytes;
            kestrel.Limits.MaxConcurrentConnections = limits.Connections;
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = limits.Drain);
        return builder;
    }

    /// <summary>Runs a server until it is told to end.</summary>
    /// <exception cref="IOException">It cannot listen: the port is taken, or this machine has no such address.</exception>
    public static async Task RunUntilEndAsync(this WebApplication app, CancellationToken stop)
    {
        try
        {
            await app.StartAsync(stop);
        }
        catch (SocketException e)
        {
            throw new IOException($"{string.Join(", ", app.Urls)} cannot be listened at: {e.Message}. See the key 'listen' of the configuration.", e);
        }
        await app.WaitForShutdownAsync(stop);
    }

    /// <summary>Error objects around everything, and keys in front of the interfaces: <c>/v1</c> and <c>/api</c>.</summary>
    public static void UseInterfaces(this WebApplication app, IRefusalCounter counter, ApiKeys keys)
    {
        app.UseMiddleware<ErrorObjects>(counter);
        app.UseRouting();
        app.UseWhen(IsInterface, guarded => guarded.UseMiddleware<KeyCheck>(keys));
    }

    /// <summary>
    /// What a host name stands for; empty for what Kestrel understands itself. It would listen at every address of the machine, whatever the name.
    /// </summary>
    private static IPAddress[] FindAddresses(Uri listen)
    {
        if (listen.HostNameType is not UriHostNameType.Dns || listen.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)) return [];
        try
        {
            return Dns.GetHostAddresses(listen.Host);
        }
        catch (SocketException e)
        {
            throw new ConfigException($"listen: the host '{listen.Host}' is not known here ({e.Message}). Give an address of this machine, such as 127.0.0.1.");
        }
    }

    private static bool IsInterface(HttpContext context) => context.Request.Path.StartsWithSegments("/v1") || context.Request.Path.StartsWithSegments("/api");
}

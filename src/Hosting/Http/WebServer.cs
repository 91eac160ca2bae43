using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Vlm.Hosting.Http;

/// <summary>What a web server takes.</summary>
/// <param name="Listen">Where it listens; port 0 takes a free one.</param>
/// <param name="BodyBytes">Largest body.</param>
/// <param name="Connections">Connections at the same time; one more is closed.</param>
/// <param name="Drain">How long the end waits for requests in flight.</param>
/// <param name="BodyRate">Bytes a second at which a body must arrive, after its first seconds; a slower one is refused.</param>
public sealed record WebLimits(string Listen, int BodyBytes, int Connections, TimeSpan Drain, int BodyRate);

/// <summary>
/// The web server of a service. What it listens on and how it behaves is in its configuration alone: no other file and no variable changes it.
/// </summary>
public static class WebServer
{
    // Within it the rate of a body does not count: a client may be slow to begin.
    private static readonly TimeSpan BodyGrace = TimeSpan.FromSeconds(5);

    /// <summary>A server with logs on the console and without routes.</summary>
    public static WebApplicationBuilder CreateBuilder(WebLimits limits)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddSimpleConsole(console =>
            (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // What keeps it from starting is said in one line by the command line.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        var addresses = FindAddresses(new Uri(limits.Listen));
        builder.WebHost.UseKestrelCore().UseUrls(addresses.Length == 0 ? [limits.Listen] : []).ConfigureKestrel(kestrel =>
        {
            foreach (var address in addresses) kestrel.Listen(address, new Uri(limits.Listen).Port);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = limits.BodyBytes;
            kestrel.Limits.MaxConcurrentConnections = limits.Connections;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(limits.BodyRate, BodyGrace);
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = limits.Drain);
        builder.Services.AddSingleton<EndNotice>();
        builder.Services.AddSingleton<IHostLifetime, SignalsElsewhere>();
        return builder;
    }

    /// <summary>Runs a server until it is told to end.</summary>
    /// <param name="app">The server.</param>
    /// <param name="life">What it does meanwhile, and at the end.</param>
    /// <param name="stop">Ends it, as SIGTERM and Ctrl-C do.</param>
    /// <remarks>
    /// The end has two steps. First it says that it is not ready, and answers still: whoever sends requests here learns to send them elsewhere. Then the door
    /// closes, and requests in flight are finished. A second signal skips the first step.
    /// </remarks>
    /// <exception cref="IOException">It cannot listen: the port is taken, or this machine has no such address.</exception>
    public static async Task RunUntilEndAsync(this WebApplication app, ServiceLife life, CancellationToken stop)
    {
        using var told = CancellationTokenSource.CreateLinkedTokenSource(stop, app.Lifetime.ApplicationStopping);
        using var again = CancellationTokenSource.CreateLinkedTokenSource(app.Lifetime.ApplicationStopping);
        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            (told.IsCancellationRequested ? again : told).Cancel();
        }
        void Reload(PosixSignalContext signal)
        {
            signal.Cancel = true;
            life.Reload();
        }
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Reload);
        try
        {
            await app.StartAsync(stop);
        }
        catch (SocketException e)
        {
            throw new IOException($"{string.Join(", ", app.Urls)} cannot be listened at: {e.Message}. See the key 'listen' of the configuration.", e);
        }
        await WaitAsync(Timeout.InfiniteTimeSpan, told.Token);
        app.Services.GetRequiredService<EndNotice>().Give();
        app.Services.GetRequiredService<ILogger<EndNotice>>().Ending(life.Notice.TotalSeconds);
        await WaitAsync(life.Notice, again.Token);
        await app.StopAsync(CancellationToken.None);
    }

    private static async Task WaitAsync(TimeSpan time, CancellationToken over)
    {
        try
        {
            await Task.Delay(time, over);
        }
        catch (OperationCanceledException)
        {
            // It is over earlier.
        }
    }

    /// <summary>
    /// Error objects around everything, foreign hosts and pages kept out of all but health, and keys in front of the interfaces: <c>/v1</c>, <c>/api</c> and
    /// routes that name a role.
    /// </summary>
    public static void UseInterfaces(this WebApplication app, IRefusalCounter counter, Doors doors)
    {
        app.UseMiddleware<ErrorObjects>(counter);
        app.Use(next => context =>
        {
            if (!context.Request.Path.StartsWithSegments("/health")) doors.Now.Names.Check(context.Request);
            return next(context);
        });
        app.UseRouting();
        app.UseWhen(IsInterface, guarded => guarded.UseMiddleware<KeyCheck>(doors));
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

    private static bool IsInterface(HttpContext context) => context.Request.Path.StartsWithSegments("/v1") || context.Request.Path.StartsWithSegments("/api")
        || context.GetEndpoint()?.Metadata.GetMetadata<NeededRole>() is not null;
}

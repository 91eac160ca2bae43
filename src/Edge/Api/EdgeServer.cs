using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vlm.Edge.Page;
using Vlm.Gating;
using Vlm.Hosting;
using Vlm.Hosting.Http;
using Vlm.Solving;
using Vlm.Text;

namespace Vlm.Edge.Api;

/// <summary>The daemon on HTTP.</summary>
internal static class EdgeServer
{
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(30);

    /// <summary>A server that is ready to start. It owns the solver.</summary>
    /// <param name="config">Checked.</param>
    /// <param name="solver">The package, opened.</param>
    /// <param name="clock">The clock of everything.</param>
    /// <exception cref="ConfigException">The mode needs a gate, and the package has none; or the keys cannot be read.</exception>
    /// <exception cref="GateException">The gate belongs to another package.</exception>
    public static WebApplication Build(EdgeConfig config, Solver solver, TimeProvider clock)
    {
        var builder = WebServer.CreateBuilder(new WebLimits(config.Server.Listen, config.Server.BodyLimitBytes, config.Server.Connections, Drain,
            config.Server.BodyBytesPerSecond));
        builder.Services.AddSingleton(services => new Daemon(config, solver, clock, services.GetRequiredService<ILoggerFactory>()));
        builder.Services.AddSingleton(services => new Admission(config.Server.InFlight, services.GetRequiredService<Daemon>().Metrics));
        if (config.Escalation is not null) builder.Services.AddHostedService(services => services.GetRequiredService<Daemon>().Worker!);
        builder.Services.AddHostedService(services => services.GetRequiredService<Daemon>().Watch);
        builder.Services.AddHostedService(services => services.GetRequiredService<Daemon>().Cameras);
        builder.Services.AddHostedService(services => services.GetRequiredService<Daemon>().Watching);
        if (config.Mqtt is not null) builder.Services.AddHostedService(services => services.GetRequiredService<Daemon>().Broker!);
        var app = builder.Build();
        var daemon = Compose(app, solver);
        app.UseInterfaces(daemon.Metrics, daemon.Doors);
        app.UseStorageErrors();
        Map(app, daemon, app.Services.GetRequiredService<Admission>());
        app.Lifetime.ApplicationStarted.Register(() => Greet(app, daemon));
        return app;
    }

    private static Daemon Compose(WebApplication app, Solver solver)
    {
        try
        {
            return app.Services.GetRequiredService<Daemon>();
        }
        catch
        {
            // What could not be composed owns nothing.
            solver.Dispose();
            throw;
        }
    }

    private static void Map(WebApplication app, Daemon daemon, Admission admission)
    {
        var requests = new SolveRequests(daemon);
        SolveApi.Map(app, daemon, requests, admission);
        ChatApi.Map(app, daemon, requests, admission);
        ReviewsApi.Map(app, daemon);
        EventsApi.Map(app, daemon, app.Lifetime.ApplicationStopping);
        StateApi.Map(app, daemon);
        CamerasApi.Map(app, daemon);
        WatchApi.Map(app, daemon.Watching);
        DeadLettersApi.Map(app, daemon.Queue);
        var end = app.Services.GetRequiredService<EndNotice>();
        bool IsEnding() => end.IsGiven || app.Lifetime.ApplicationStopping.IsCancellationRequested;
        Health.Map(app, () => IsEnding() ? "stopping" : null);
        PageApi.Map(app, daemon, IsEnding);
        daemon.Metrics.Watch(() => StateApi.Gauges(daemon));
        daemon.Metrics.Map(app);
    }

    private static void Greet(WebApplication app, Daemon daemon)
    {
        var log = app.Services.GetRequiredService<ILogger<Daemon>>();
        var address = string.Join(", ", app.Urls);
        var certificate = daemon.Drift?.Gate.Certificate;
        var gate = certificate is null ? "no gate: answers are uncertified" : $"certified risk {certificate.Risk:P1} at confidence {1 - certificate.Delta:P0}";
        log.Ready(address, daemon.Config.Model.Folder, daemon.Model.Precision, daemon.Config.Routing.Mode.ToOption(), gate);
        log.RunsOn(daemon.Model.Placement.ToString().TrimEnd('.'));
        if (!daemon.Doors.AreKeysRequired) log.NoKeys(address);
        foreach (var endpoint in daemon.Config.Escalation?.Endpoints ?? []) PrivateFiles.Check(endpoint.ApiKeyFile, log);
        foreach (var camera in daemon.Config.Cameras) PrivateFiles.Check(camera.PasswordFile, log);
        PrivateFiles.Check(daemon.Config.Mqtt?.PasswordFile, log);
    }
}

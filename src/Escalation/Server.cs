using Microsoft.AspNetCore.Builder;
using Vlm.Escalation.Work;
using Vlm.Hosting;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Escalation;

/// <summary>The endpoint on HTTP: limits, keys, routes, and what happens at the start and the end.</summary>
internal static class Server
{
    // Idle connections cost a little memory each; far more of them than requests may wait.
    private const int MaxConnections = 4096;

    /// <summary>A server that is ready to be started.</summary>
    /// <param name="options">Checked options.</param>
    /// <param name="open">Loads the model; called once, after the start.</param>
    /// <param name="time">The clock of everything.</param>
    /// <exception cref="ConfigException">The keys cannot be read.</exception>
    public static WebApplication Build(EscalationOptions options, Func<IModel> open, TimeProvider time)
    {
        var builder = WebServer.CreateBuilder(new WebLimits(options.Listen, options.Limits.BodyBytes, MaxConnections,
            TimeSpan.FromSeconds(options.DrainSeconds), options.Limits.BodyBytesPerSecond));
        builder.Services.AddSingleton(services => new Endpoint(options, time, services.GetRequiredService<ILoggerFactory>()));
        builder.Services.AddHostedService(services =>
            services.GetRequiredService<Endpoint>().CreateWorker(open, services.GetRequiredService<IHostApplicationLifetime>()));
        var app = builder.Build();
        // Now, not at the first request: wrong keys are found at the start.
        var endpoint = app.Services.GetRequiredService<Endpoint>();
        app.UseInterfaces(endpoint.Metrics, endpoint.Doors);
        endpoint.Chat.Map(app);
        ModelsApi.Map(app, endpoint.Card);
        var end = app.Services.GetRequiredService<EndNotice>();
        Health.Map(app, () => end.IsGiven ? "stopping" : endpoint.Slot.IsReady ? null : "not ready");
        endpoint.Metrics.Map(app);
        OnLifetime(app, endpoint, options);
        return app;
    }

    private static void OnLifetime(WebApplication app, Endpoint endpoint, EscalationOptions options)
    {
        var log = app.Services.GetRequiredService<ILogger<Endpoint>>();
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            foreach (var address in app.Urls) log.Listening(address);
            if (!endpoint.Doors.AreKeysRequired) log.Open(options.Listen);
        });
        app.Lifetime.ApplicationStopping.Register(() =>
        {
            endpoint.Slot.End();
            endpoint.Metrics.Ready(false);
            log.Draining(endpoint.Queue.Places, options.DrainSeconds);
        });
    }
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Vlm.Escalation.Chat;
using Vlm.Escalation.Errors;
using Vlm.Escalation.Keys;
using Vlm.Escalation.Observability;
using Vlm.Escalation.Settings;
using Vlm.Escalation.Work;

namespace Vlm.Escalation.Serve;

/// <summary>Puts the server together. What it listens on and how it behaves is in the options alone: no other file and no variable changes it.</summary>
internal static class Server
{
    // Idle connections cost a little memory each; far more of them than requests may wait.
    private const int MaxConnections = 4096;

    /// <summary>A server that is ready to be started.</summary>
    /// <param name="options">Checked options.</param>
    /// <param name="open">Loads the model; called once, after the start.</param>
    /// <param name="configure">For tests: the last word on the services.</param>
    /// <exception cref="SettingsException">The keys cannot be read.</exception>
    public static WebApplication Build(EscalationOptions options, Func<IModel> open, Action<IServiceCollection>? configure = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.WebHost.UseKestrelCore().UseUrls(options.Listen).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.Limits.BodyBytes;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.DrainSeconds));
        AddServer(builder.Services, options, open);
        configure?.Invoke(builder.Services);

        var app = builder.Build();
        // Now, not at the first request: wrong keys are found at the start.
        _ = app.Services.GetRequiredService<ApiKeys>();
        app.UseMiddleware<ErrorObjects>();
        app.UseRouting();
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/v1"), v1 => v1.UseMiddleware<KeyCheck>());
        Map(app);
        OnLifetime(app, options);
        return app;
    }

    private static void AddServer(IServiceCollection services, EscalationOptions options, Func<IModel> open)
    {
        services.AddSingleton(options).AddSingleton(options.Model).AddSingleton(options.Keys).AddSingleton(options.Queue).AddSingleton(options.Idempotency);
        services.AddSingleton(TimeProvider.System).AddSingleton(open);
        services.AddSingleton<ServerMetrics>().AddSingleton<ApiKeys>();
        services.AddSingleton<ModelSlot>().AddSingleton<SolveQueue>().AddSingleton<WorkerSurroundings>().AddHostedService<SolverWorker>();
        services.AddSingleton<IdempotencyMemory>().AddSingleton<ChatSurroundings>().AddSingleton<ChatApi>().AddSingleton<ModelsApi>().AddSingleton<HealthApi>();
    }

    private static void Map(WebApplication app)
    {
        var chat = app.Services.GetRequiredService<ChatApi>();
        var models = app.Services.GetRequiredService<ModelsApi>();
        var health = app.Services.GetRequiredService<HealthApi>();
        app.MapPost("/v1/chat/completions", chat.CompleteAsync);
        app.MapGet("/v1/models", models.ListAsync);
        app.MapGet("/v1/models/{id}", models.GetAsync);
        app.MapGet("/health/live", HealthApi.LiveAsync);
        app.MapGet("/health/ready", health.ReadyAsync);
        app.Services.GetRequiredService<ServerMetrics>().Map(app);
    }

    private static void OnLifetime(WebApplication app, EscalationOptions options)
    {
        var log = app.Services.GetRequiredService<ILogger<ModelSlot>>();
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            foreach (var address in app.Urls) log.Listening(address);
            if (!options.Keys.Required) log.Open(options.Listen);
        });
        app.Lifetime.ApplicationStopping.Register(() =>
        {
            app.Services.GetRequiredService<ModelSlot>().End();
            app.Services.GetRequiredService<ServerMetrics>().Ready(false);
            log.Draining(app.Services.GetRequiredService<SolveQueue>().Places, options.DrainSeconds);
        });
    }
}

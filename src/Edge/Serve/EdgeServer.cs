using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vlm.Edge.Escalations;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Solving;

namespace Vlm.Edge.Serve;

/// <summary>Puts the daemon together.</summary>
internal static class EdgeServer
{
    /// <summary>A daemon that is ready to start. It owns the solver.</summary>
    /// <param name="config">Checked.</param>
    /// <param name="solver">The package, opened.</param>
    /// <param name="clock">The clock of everything.</param>
    /// <exception cref="ConfigException">The mode needs a gate, and the package has none.</exception>
    /// <exception cref="GateException">The gate belongs to another package.</exception>
    public static WebApplication Build(EdgeConfig config, Solver solver, TimeProvider clock)
    {
        var gate = Gate.Find(solver.Folder);
        if (SolveRequests.Problem(config.Routing.Mode, gate is not null, config.Escalation is not null) is { } problem)
        {
            throw new ConfigException(
                $"routing: {problem}. Run 'calibrate --model {solver.Folder.Path} --risk 0.01' to certify one, or choose the mode local-only (answers are marked as uncertified) or escalate-all.");
        }
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat) = (true, "yyyy-MM-dd HH:mm:ss "));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.WebHost.UseUrls(config.Server.Listen).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = config.Server.BodyLimitBytes;
            kestrel.Limits.MaxConcurrentConnections = config.Server.Connections;
        });
        AddEdge(builder.Services.AddSingleton(clock).AddSingleton(config), solver, gate);
        if (config.Escalation is { } escalation)
        {
            builder.Services.AddEscalations(escalation, RandomNumberGenerator.GetInt32(int.MaxValue));
            builder.Services.AddSingleton<Func<EscalationCompleted, ValueTask>>(services => services.GetRequiredService<Corrections>().TakeAsync);
            builder.Services.AddSingleton(services => services.GetRequiredService<Larger>().Escalator!.Payment);
        }
        var app = builder.Build();
        MapAll(app);
        return app;
    }

    private static void AddEdge(IServiceCollection services, Solver solver, Gate? gate)
    {
        services.AddSingleton<EdgeMetrics>().AddSingleton<EventStream>().AddSingleton<Alarms>();
        services.AddSingleton(provider => new Settled(Config(provider).Cache, Clock(provider)));
        services.AddSingleton(provider => new Budget(Config(provider).Budget, State(provider, "budget.json", RoutingJson.Default.BudgetState), Clock(provider)));
        services.AddSingleton(provider => new Watch(gate is null ? null : Watched(provider, gate, solver.Folder)));
        services.AddSingleton(provider => new LocalModel(solver, gate, Config(provider).Server.Queue, Clock(provider), error =>
        {
            Log.ModelFailed(provider.GetRequiredService<ILogger<LocalModel>>(), error);
            provider.GetRequiredService<Alarms>().Raise(AlarmKind.Model, $"The model failed on a question: {error.Message}");
        }));
        services.AddSingleton(provider => new Corrections(
            provider.GetRequiredService<Settled>(), provider.GetRequiredService<EventStream>(), provider.GetRequiredService<Watch>().Gates?.Drift,
            provider.GetRequiredService<EdgeMetrics>(), provider.GetRequiredService<Alarms>(), Clock(provider)));
        services.AddSingleton(provider => Config(provider).Escalation is { } escalation
            ? new Larger(new Escalator(
                provider.GetRequiredService<EscalationClient>(), provider.GetRequiredService<EscalationQueue>(), provider.GetRequiredService<Budget>(), escalation.Picture, Clock(provider)))
            : new Larger(null));
        services.AddSingleton(provider => new QueryPipeline(
            provider.GetRequiredService<LocalModel>(), provider.GetRequiredService<Larger>().Escalator, provider.GetRequiredService<Settled>(), new PipelineOptions
            {
                ModelName = NameOf(solver),
                HasGate = gate is not null,
                Drift = provider.GetRequiredService<Watch>().Gates?.Drift,
                LeastEscalation = TimeSpan.FromSeconds(Config(provider).Routing.LeastEscalationSeconds),
                Metrics = provider.GetRequiredService<EdgeMetrics>(),
                Clock = Clock(provider),
            }));
        services.AddSingleton(provider => new Admission(Config(provider).Server, provider.GetRequiredService<EdgeMetrics>()));
        services.AddSingleton(provider => new SolveRequests(Config(provider), gate is not null, Clock(provider)));
        services.AddSingleton<ChatRequests>();
        services.AddSingleton(provider => new StateApi(provider, solver.Folder.Manifest.Precision, NameOf(solver)));
    }

    private static void MapAll(WebApplication app)
    {
        var services = app.Services;
        var (admission, pipeline, clock) = (services.GetRequiredService<Admission>(), services.GetRequiredService<QueryPipeline>(), services.GetRequiredService<TimeProvider>());
        var (settled, state) = (services.GetRequiredService<Settled>(), services.GetRequiredService<StateApi>());
        SolveApi.Map(app, admission, services.GetRequiredService<SolveRequests>(), pipeline, settled);
        ChatApi.Map(app, admission, services.GetRequiredService<ChatRequests>(), pipeline, (state.Model, clock));
        EventsApi.Map(app, admission, services.GetRequiredService<EventStream>(), app.Lifetime, clock);
        HealthApi.Map(app, app.Lifetime);
        state.Map(app, admission);
        services.GetRequiredService<EdgeMetrics>().Watch(state.Gauges);
        services.GetRequiredService<EdgeMetrics>().Map(app);
    }

    private static Gates Watched(IServiceProvider services, Gate gate, ModelFolder model) => new(
        gate, new DriftMonitor(Config(services).Audit, gate, Gates.HashOf(model), State(services, "audit.json", RoutingJson.Default.DriftState), Clock(services)));

    private static StateFile<T> State<T>(IServiceProvider services, string name, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        var alarms = services.GetRequiredService<Alarms>();
        return new StateFile<T>(Path.Combine(Config(services).State, name), type, message => alarms.Raise(AlarmKind.State, message));
    }

    private static string NameOf(Solver solver) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(solver.Folder.Path)));

    private static EdgeConfig Config(IServiceProvider services) => services.GetRequiredService<EdgeConfig>();

    private static TimeProvider Clock(IServiceProvider services) => services.GetRequiredService<TimeProvider>();
}

/// <summary>The gate, if there is one: a container cannot hold a null.</summary>
internal sealed record Watch(Gates? Gates);

/// <summary>The way to the larger model, if there is one.</summary>
internal sealed record Larger(Escalator? Escalator) : IDisposable
{
    public void Dispose() => Escalator?.Dispose();
}

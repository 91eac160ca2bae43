using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Escalations;

/// <summary>Registration of the client, the queue and the worker.</summary>
internal static class EscalationServices
{
    /// <summary>
    /// Adds <see cref="EscalationClient"/>, <see cref="EscalationQueue"/> and <see cref="EscalationWorker"/>. A <see cref="TimeProvider"/> and a
    /// <c>Func&lt;EscalationCompleted, ValueTask&gt;</c> that takes the corrections must be registered as well; a <see cref="Payment"/> may be.
    /// </summary>
    /// <param name="services">The program's services.</param>
    /// <param name="options">Options; checked here.</param>
    /// <param name="seed">Seed of the jitter: boxes with different seeds come back at different times.</param>
    public static IServiceCollection AddEscalations(this IServiceCollection services, EscalationOptions options, int seed)
    {
        services.AddEscalationClient(options, seed);
        services.AddSingleton(provider => EscalationQueue.Open(
            options.Queue, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<EscalationMeters>(), provider.GetRequiredService<ILogger<EscalationQueue>>()));
        services.AddSingleton(provider => new EscalationWorker(
            provider.GetRequiredService<EscalationQueue>(),
            provider.GetRequiredService<EscalationClient>(),
            new WorkerSurroundings(
                options.Worker,
                provider.GetRequiredService<Func<EscalationCompleted, ValueTask>>(),
                provider.GetRequiredService<TimeProvider>(),
                Draws(seed + 1),
                provider.GetRequiredService<ILogger<EscalationWorker>>(),
                provider.GetService<Payment>())));
        services.AddHostedService(provider => provider.GetRequiredService<EscalationWorker>());
        return services;
    }

    /// <summary>Adds the client alone, for programs that wait for every answer.</summary>
    public static IServiceCollection AddEscalationClient(this IServiceCollection services, EscalationOptions options, int seed)
    {
        options.Check();
        foreach (var endpoint in options.Endpoints)
        {
            services.AddHttpClient(Endpoint.ClientName(endpoint), client => client.Timeout = Timeout.InfiniteTimeSpan)
                .ConfigurePrimaryHttpMessageHandler(() => EndpointTls.Handler(endpoint, options))
                // The client's own numbers and the worker's log tell what happened; a line per request would also name the endpoint's address.
                .RemoveAllLoggers();
        }

        services.AddSingleton<EscalationMeters>();
        services.AddSingleton(provider => new EscalationClient(
            options, provider.GetRequiredService<IHttpClientFactory>(), provider.GetRequiredService<EscalationMeters>(), provider.GetRequiredService<TimeProvider>(), Draws(seed)));
        return services;
    }

    private static Func<double> Draws(int seed)
    {
        var random = new Random(seed);
        var gate = new Lock();
        return () =>
        {
            lock (gate) return random.NextDouble();
        };
    }
}

using Vlm.Escalation.Chat;
using Vlm.Escalation.Work;
using Vlm.Hosting;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Escalation;

/// <summary>What the endpoint is made of, in the order in which it is made.</summary>
internal sealed class Endpoint
{
    private EscalationOptions _options;

    /// <exception cref="ConfigException">The keys cannot be read.</exception>
    public Endpoint(EscalationOptions options, TimeProvider time, ILoggerFactory logs)
    {
        _options = options;
        Metrics = new ServerMetrics();
        Instruments = new Instruments(Metrics, time, logs);
        Doors = new Doors(options.ToDoors(), time, logs);
        Slot = new ModelSlot(options.Model);
        Queue = new SolveQueue(options.Queue, Instruments);
        Chat = new ChatApi(options.Limits, Slot, Queue, new IdempotencyMemory(options.Idempotency, time), Instruments);
        Card = new ModelCard(Slot.Name, time.GetUtcNow().ToUnixTimeSeconds(), "local");
    }

    public ServerMetrics Metrics { get; }

    public Instruments Instruments { get; }

    public Doors Doors { get; }

    public ModelSlot Slot { get; }

    public SolveQueue Queue { get; }

    public ChatApi Chat { get; }

    /// <summary>The model in the list of models.</summary>
    public ModelCard Card { get; }

    /// <summary>Puts a configuration in force, as far as that goes without a new start: who is let in.</summary>
    /// <returns>Settings that changed, and those of them that wait for the next start.</returns>
    /// <exception cref="ConfigException">The keys cannot be read; nothing changes.</exception>
    public (IReadOnlyList<string> Changed, IReadOnlyList<string> Later) Change(EscalationOptions next)
    {
        var now = _options with
        {
            Hosts = next.Hosts,
            Keys = next.Keys,
            Limits = _options.Limits with { RequestsPerMinute = next.Limits.RequestsPerMinute, RequestBurst = next.Limits.RequestBurst },
        };
        Doors.Change(now.ToDoors());
        var changed = ConfigChanges.Between(_options, now);
        _options = now;
        return (changed, ConfigChanges.Between(now, next));
    }

    /// <summary>The one worker; it loads the model once the server has started.</summary>
    public SolverWorker CreateWorker(Func<IModel> open, IHostApplicationLifetime lifetime) => new(open, Slot, Queue, Instruments, lifetime);
}

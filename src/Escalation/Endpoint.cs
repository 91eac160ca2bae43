using Vlm.Escalation.Chat;
using Vlm.Escalation.Work;
using Vlm.Hosting;
using Vlm.Hosting.Chat;

namespace Vlm.Escalation;

/// <summary>What the endpoint is made of, in the order in which it is made.</summary>
internal sealed class Endpoint
{
    /// <exception cref="ConfigException">The keys cannot be read.</exception>
    public Endpoint(EscalationOptions options, TimeProvider time, ILoggerFactory logs)
    {
        Metrics = new ServerMetrics();
        Instruments = new Instruments(Metrics, time, logs);
        Keys = new ApiKeys(options.Keys.ToSource(), time, logs.CreateLogger<ApiKeys>());
        Slot = new ModelSlot(options.Model);
        Queue = new SolveQueue(options.Queue, Instruments);
        Chat = new ChatApi(options.Limits, Slot, Queue, new IdempotencyMemory(options.Idempotency, time), Instruments);
        Card = new ModelCard(Slot.Name, time.GetUtcNow().ToUnixTimeSeconds(), "local");
    }

    public ServerMetrics Metrics { get; }

    public Instruments Instruments { get; }

    public ApiKeys Keys { get; }

    public ModelSlot Slot { get; }

    public SolveQueue Queue { get; }

    public ChatApi Chat { get; }

    /// <summary>The model in the list of models.</summary>
    public ModelCard Card { get; }

    /// <summary>The one worker; it loads the model once the server has started.</summary>
    public SolverWorker CreateWorker(Func<IModel> open, IHostApplicationLifetime lifetime) => new(open, Slot, Queue, Instruments, lifetime);
}

using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Tests.Escalations;

/// <summary>Client, queue and worker as the program composes them, around scripted endpoints.</summary>
internal sealed class Bench : IDisposable
{
    public static readonly byte[] Picture = [0x89, (byte)'P', (byte)'N', (byte)'G', 1, 2, 3];

    // As the queue keeps it, to the millisecond.
    private static readonly DateTimeOffset Created = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());

    private readonly ServiceProvider _services;
    private readonly EscalationOptions _options;
    private readonly TimeProvider _time;

    public Bench(EscalationOptions options, TimeProvider? time = null)
    {
        (_options, _time) = (options, time ?? TimeProvider.System);
        _services = new ServiceCollection().AddSingleton(_time).AddEscalationClient(options, seed: 7).BuildServiceProvider();
        Client = _services.GetRequiredService<EscalationClient>();
    }

    public EscalationClient Client { get; }

    /// <summary>Options that suit tests: no wait before a repetition.</summary>
    public static EscalationOptions For(params IEnumerable<string> urls) => new()
    {
        Endpoints = [.. urls.Select((url, index) => new EndpointOptions { Name = $"endpoint{index}", Url = url })],
        RetryDelaySeconds = 0,
    };

    /// <summary>Long timeouts, for a clock that runs a thousand times as fast as the requests.</summary>
    public static EscalationOptions Patient(EscalationOptions options, int parallel) => options with
    {
        AttemptTimeoutSeconds = 250,
        BreakerSamplingSeconds = 600,
        Worker = options.Worker with { DeadlineSeconds = 550, Parallel = parallel },
        Queue = options.Queue with { LeaseSeconds = 600 },
    };

    public static Escalation Question(string id = "question-1", string code = "c a t _ d o g") =>
        new(id, Picture, code, Created, "cot dog", EscalationReason.LowConfidence);

    public Task<EscalationResult> Ask(double deadlineSeconds = 20, Escalation? question = null) =>
        Client.AskAsync(question ?? Question(), TimeSpan.FromSeconds(deadlineSeconds), TestContext.Current.CancellationToken);

    public async Task<EscalationResult.Failed> Fails(double deadlineSeconds = 20) => Assert.IsType<EscalationResult.Failed>(await Ask(deadlineSeconds));

    public async Task<EscalationResult.Answered> Answers(double deadlineSeconds = 20) => Assert.IsType<EscalationResult.Answered>(await Ask(deadlineSeconds));

    public EscalationQueue Queue() => Queue(_options.Queue, _time);

    public static EscalationQueue Queue(QueueOptions options, TimeProvider time) =>
        EscalationQueue.Open(options, time, new EscalationMeters(), NullLogger<EscalationQueue>.Instance);

    public EscalationWorker Worker(EscalationQueue queue, Func<EscalationCompleted, ValueTask> completed) =>
        new(queue, Client, new WorkerSurroundings(_options.Worker, completed, _time, () => 0.5, NullLogger<EscalationWorker>.Instance));

    /// <summary>Counts requests to endpoints, those that found no connection included.</summary>
    public MeterListener CountAttempts(Action attempted)
    {
        var meters = _services.GetRequiredService<EscalationMeters>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Scope == meters && instrument.Name == "escalation_attempts") self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => attempted());
        listener.Start();
        return listener;
    }

    public void Dispose() => _services.Dispose();
}

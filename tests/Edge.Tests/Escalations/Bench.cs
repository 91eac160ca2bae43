using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;
using Vlm.Edge.Storage;

namespace Vlm.Edge.Tests.Escalations;

/// <summary>Client, queue and worker as the program composes them, around scripted endpoints.</summary>
internal sealed class Bench : IDisposable
{
    public static readonly byte[] Picture = [0x89, (byte)'P', (byte)'N', (byte)'G', 1, 2, 3];

    // As the queue keeps it, to the millisecond.
    private static readonly DateTimeOffset Created = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());

    private readonly EscalationOptions _options;
    private readonly Instruments _instruments;
    private PaidClient? _paid;

    public Bench(EscalationOptions options, TimeProvider? time = null)
    {
        (_options, _instruments) = (options, Around(new EscalationMeters(), time ?? TimeProvider.System));
        Client = new EscalationClient(options, _instruments);
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

    /// <summary>Opens the queue, over a database in the same folder.</summary>
    /// <returns>Dispose it to close both.</returns>
    public IDisposable Open(out EscalationQueue queue) => Open(_options.Queue, _instruments.Time, out queue);

    /// <inheritdoc cref="Open(out EscalationQueue)"/>
    public static IDisposable Open(QueueOptions options, TimeProvider time, out EscalationQueue queue) =>
        Open(options, Around(new EscalationMeters(), time), out queue);

    /// <inheritdoc cref="Open(out EscalationQueue)"/>
    public static IDisposable Open(QueueOptions options, Instruments instruments, out EscalationQueue queue)
    {
        var box = Box(options.Folder, instruments.Time, options.Folder);
        try
        {
            queue = new EscalationQueue(box, options, instruments);
            return new Opened(queue, box);
        }
        catch
        {
            box.Dispose();
            throw;
        }
    }

    /// <summary>The database in a folder.</summary>
    public static BoxDatabase Box(string folder, TimeProvider time, string? waiting = null) =>
        new(new BoxFolders(folder, waiting), time, NullLogger<BoxDatabase>.Instance);

    /// <summary>Meters, a clock, always the same jitter, and no log.</summary>
    public static Instruments Around(EscalationMeters meters, TimeProvider time) => new(meters, time, () => 0.5, NullLoggerFactory.Instance);

    public EscalationWorker Worker(EscalationQueue queue, Action<EscalationCompleted> completed, Budget? budget = null) =>
        new(_options.Worker, queue, Paid(budget), completed, _instruments);

    /// <summary>The client that pays, from a budget that nothing exhausts unless another is given.</summary>
    public PaidClient Paid(Budget? budget = null) => _paid ??= new PaidClient(Client, budget ?? Plenty(_instruments.Time), _ => { });

    /// <summary>Counts requests to endpoints, those that found no connection included.</summary>
    public MeterListener CountAttempts(Action attempted)
    {
        var meters = _instruments.Meters;
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

    public void Dispose()
    {
        _paid?.Dispose();
        Client.Dispose();
        _instruments.Meters.Dispose();
    }

    private sealed class Opened(EscalationQueue queue, BoxDatabase box) : IDisposable
    {
        public void Dispose()
        {
            queue.Dispose();
            box.Dispose();
        }
    }

    /// <summary>A budget that nothing exhausts, whose file cannot be written: it lives in memory.</summary>
    private static Budget Plenty(TimeProvider time)
    {
        var options = new BudgetOptions { CallsPerMinute = 100_000, Burst = 100_000, CallsPerDay = int.MaxValue, BytesPerDay = long.MaxValue / 2 };
        return new Budget(options, new StateFile<BudgetState>("/dev/null/budget.json", RoutingJson.Default.BudgetState, _ => { }), time);
    }
}

using Microsoft.Extensions.Logging;
using Vlm.Text;

namespace Vlm.Edge.Queries;

/// <summary>What is alarming. Also a metric label, in snake case.</summary>
internal enum AlarmKind
{
    /// <summary>Audits say that the gate does not keep its promise.</summary>
    Drift,

    /// <summary>A state file cannot be read or written.</summary>
    State,

    /// <summary>The engine failed on a question.</summary>
    Model,

    /// <summary>What the model ran on failed, and the processor took over.</summary>
    Provider,

    /// <summary>The larger model's endpoint does not know the box.</summary>
    TurnedAway,
}

/// <summary>An alarm.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Message">For people.</param>
/// <param name="At">When it was raised last, UTC.</param>
/// <param name="Times">How often since the start.</param>
internal sealed record RaisedAlarm(AlarmKind Kind, string Message, DateTimeOffset At, int Times);

/// <summary>Alarms, reported in four places: log, metric, event stream and state. Thread-safe; of each kind the last one is kept.</summary>
internal sealed class Alarms(EventStream events, EdgeMetrics metrics, ILogger<Alarms> logger, TimeProvider clock)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<AlarmKind, RaisedAlarm> _raised = [];

    public IReadOnlyList<RaisedAlarm> Raised
    {
        get
        {
            lock (_lock) return [.. _raised.Values.OrderBy(alarm => alarm.Kind)];
        }
    }

    /// <param name="kind">What it is about.</param>
    /// <param name="message">For people.</param>
    /// <param name="error">What the log shows beside it.</param>
    public void Raise(AlarmKind kind, string message, Exception? error = null)
    {
        // First: an alarm that shows in the state is counted.
        metrics.Count(kind);
        RaisedAlarm? before;
        var now = clock.GetUtcNow();
        lock (_lock)
        {
            before = _raised.GetValueOrDefault(kind);
            _raised[kind] = new RaisedAlarm(kind, message, now, (before?.Times ?? 0) + 1);
        }
        // A full disk fails at every escalation; once a minute is enough to say so.
        if (before is not null && before.Message == message && now - before.At < Quiet) return;
        logger.Alarm(error, kind.ToLabel(), message);
        events.Publish(new EdgeEvent.Alarm(kind.ToLabel(), message));
    }
}

using Microsoft.Extensions.Logging;
using Vlm.Text;

namespace Vlm.Edge.Queries;

/// <summary>An alarm that stands.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Message">For people.</param>
/// <param name="Since">When it was raised first, UTC.</param>
/// <param name="At">When it was raised last, UTC.</param>
/// <param name="Times">How often since then.</param>
internal sealed record RaisedAlarm(AlarmKind Kind, string Message, DateTimeOffset Since, DateTimeOffset At, int Times);

/// <summary>What is wrong now, reported in four places: log, metric, event stream and state; and when it is over again.</summary>
/// <remarks>Thread-safe; one alarm of each kind stands, with what was said last.</remarks>
internal sealed class Alarms(EventStream events, EdgeMetrics metrics, ILogger<Alarms> logger, TimeProvider clock)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<AlarmKind, RaisedAlarm> _raised = [];

    /// <summary>Those that stand.</summary>
    public IReadOnlyList<RaisedAlarm> Raised
    {
        get
        {
            lock (_lock) return [.. _raised.Values.OrderBy(alarm => alarm.Kind)];
        }
    }

    /// <summary>Whether one stands.</summary>
    public bool Stands(AlarmKind kind)
    {
        lock (_lock) return _raised.ContainsKey(kind);
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
            _raised[kind] = new RaisedAlarm(kind, message, before?.Since ?? now, now, (before?.Times ?? 0) + 1);
            metrics.Stand(kind, true);
        }
        // A full disk fails at every escalation; once a minute is enough to say so.
        if (before is not null && (before.Message == message || now - before.At < Quiet)) return;
        logger.Alarm(error, kind.ToLabel(), message, AlarmAdvice.Of(kind));
        events.Publish(new EdgeEvent.Alarm(kind.ToLabel(), message));
    }

    /// <summary>It is over; nothing happens when it did not stand.</summary>
    public void Clear(AlarmKind kind)
    {
        RaisedAlarm? before;
        lock (_lock)
        {
            if (!_raised.Remove(kind, out before)) return;
            metrics.Stand(kind, false);
        }
        logger.Over(kind.ToLabel(), before.Since);
        events.Publish(new EdgeEvent.AlarmOver(kind.ToLabel(), before.Since));
    }

    /// <summary>Raises it while there is something to say, and ends it when there is nothing.</summary>
    public void Set(AlarmKind kind, string? message)
    {
        if (message is null) Clear(kind);
        else if (!Stands(kind)) Raise(kind, message);
    }
}

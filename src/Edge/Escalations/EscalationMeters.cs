using System.Diagnostics.Metrics;
using Vlm.Text;

namespace Vlm.Edge.Escalations;

/// <summary>The numbers of the client and of its queue. Reasons are labels, in snake case.</summary>
internal sealed class EscalationMeters : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string Name = "Vlm.Edge.Escalations";

    private readonly Meter _meter;
    private readonly Counter<long> _attempts;
    private readonly Counter<long> _results;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _dropped;
    private readonly Histogram<double> _seconds;

    public EscalationMeters()
    {
        _meter = new Meter(new MeterOptions(Name) { Scope = this });
        _attempts = _meter.CreateCounter<long>("escalation_attempts", description: "Requests to endpoints, by endpoint and outcome.");
        _results = _meter.CreateCounter<long>("escalation_results", description: "Escalations that came to an end, by outcome.");
        _bytes = _meter.CreateCounter<long>("escalation_sent_bytes", description: "Bytes of request bodies, by endpoint.");
        _seconds = _meter.CreateHistogram<double>("escalation_seconds", description: "From the call to its end, waiting included.");
        _dropped = _meter.CreateCounter<long>("escalation_queue_dropped", description: "Escalations that the queue did not take or gave up, by reason.");
    }

    /// <summary>A request to an endpoint ended.</summary>
    public void Attempted(string endpoint, string outcome, long bytes)
    {
        _attempts.Add(1, new KeyValuePair<string, object?>("endpoint", endpoint), new KeyValuePair<string, object?>("outcome", outcome));
        _bytes.Add(bytes, new KeyValuePair<string, object?>("endpoint", endpoint));
    }

    /// <summary>An escalation ended.</summary>
    public void Ended(EscalationResult result, TimeSpan took)
    {
        _results.Add(1, new KeyValuePair<string, object?>("outcome", result is EscalationResult.Failed failed ? failed.Reason.ToLabel() : "answered"));
        _seconds.Record(took.TotalSeconds);
    }

    /// <summary>The queue did not take an escalation, or gave one up.</summary>
    public void Dropped(QueueDrop reason) => _dropped.Add(1, new KeyValuePair<string, object?>("reason", reason.ToLabel()));

    /// <summary>State of every breaker: 0 closed, 1 half open, 2 open.</summary>
    public void WatchBreakers(Func<IEnumerable<Measurement<int>>> states) =>
        _meter.CreateObservableGauge("escalation_breaker_state", states, description: "0 closed, 1 half open, 2 open, by endpoint.");

    /// <summary>Repetitions that the budget holds.</summary>
    public void WatchBudget(Func<double> tokens) =>
        _meter.CreateObservableGauge("escalation_retry_budget", tokens, description: "Repetitions that the retry budget holds.");

    /// <summary>What the queue holds.</summary>
    public void WatchQueue(Func<QueueStats> stats)
    {
        _meter.CreateObservableGauge("escalation_queue_waiting", () => stats().Waiting, description: "Escalations that wait or are being sent.");
        _meter.CreateObservableGauge("escalation_queue_dead", () => stats().Dead, description: "Dead letters.");
        _meter.CreateObservableGauge("escalation_queue_bytes", () => stats().Bytes, description: "Bytes of the pictures.");
        _meter.CreateObservableGauge("escalation_queue_oldest_seconds", () => stats().OldestAge.TotalSeconds, description: "Age of the oldest that waits.");
    }

    public void Dispose() => _meter.Dispose();
}

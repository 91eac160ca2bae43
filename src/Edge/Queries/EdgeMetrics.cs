using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Prometheus;
using Vlm.Edge.Routing;
using Vlm.Hosting.Http;
using Vlm.Text;

namespace Vlm.Edge.Queries;

/// <summary>The daemon's numbers for Prometheus; the only file that knows the exporter. Thread-safe.</summary>
internal sealed class EdgeMetrics : IRefusalCounter, IDisposable
{
    private static readonly double[] Seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly MeterListener _meters;
    private readonly Counter _statuses, _answers, _refusals, _decisions, _corrections, _alarms, _shed;
    private readonly Histogram _stages, _total;
    private readonly Gauge _inFlight, _standing;
    private readonly Lock _reading = new();
    private HashSet<(Gauge Gauge, string Labels)> _measured = [], _before = [];

    public EdgeMetrics()
    {
        var factory = Metrics.WithCustomRegistry(_registry);
        _answers = factory.CreateCounter("edge_answers_total", "Answers given.", "mode", "answered_by", "degraded_reason", "certified");
        _statuses = factory.CreateCounter("edge_answer_status_total", "What pictures let the box say: answered, unreadable, no_decoder.", "status");
        _refusals = factory.CreateCounter("edge_refusals_total", "Questions without an answer.", "reason");
        _decisions = factory.CreateCounter("edge_decisions_total", "Decisions of the router.", "decision", "reason");
        _corrections = factory.CreateCounter("edge_corrections_total", "Ends of questions that were asked in the background.", "reason", "outcome");
        _alarms = factory.CreateCounter("edge_alarms_total", "Alarms raised.", "kind");
        _standing = factory.CreateGauge("edge_alarm_standing", "1 while something is wrong.", "kind");
        foreach (var kind in Enum.GetValues<AlarmKind>()) Stand(kind, false);
        _shed = factory.CreateCounter("edge_requests_refused_total", "Requests that were not answered, by the code of their error.", "code");
        _stages = factory.CreateHistogram("edge_stage_seconds", "Time per stage.", new HistogramConfiguration { LabelNames = ["stage"], Buckets = Seconds });
        _total = factory.CreateHistogram("edge_answer_seconds", "From question to answer.",
            new HistogramConfiguration { LabelNames = ["answered_by"], Buckets = Seconds });
        _inFlight = factory.CreateGauge("edge_requests_in_flight", "Requests being worked on.");
        // The client and its queue count through the runtime's own meters.
        _meters = ListenToMeters();
        _registry.AddBeforeCollectCallback(ReadGauges);
    }

    /// <summary>Gauges that are read when somebody asks.</summary>
    public void Watch(Func<IEnumerable<(string Name, string Help, double Value)>> read)
    {
        var factory = Metrics.WithCustomRegistry(_registry);
        var gauges = read().ToDictionary(gauge => gauge.Name, gauge => factory.CreateGauge(gauge.Name, gauge.Help));
        _registry.AddBeforeCollectCallback(() =>
        {
            foreach (var (name, _, value) in read()) gauges[name].Set(value);
        });
    }

    public void Count(Query query, QueryOutcome outcome)
    {
        switch (outcome)
        {
            case QueryOutcome.Answered(var answer):
                var degraded = answer.Degraded is { } reason ? reason.ToLabel() : "";
                _answers.WithLabels(query.Mode.ToLabel(), answer.By.ToLabel(), degraded, answer.IsCertified ? "yes" : "no").Inc();
                _statuses.WithLabels(answer.Status is { } status ? status.ToLabel() : "none").Inc();
                _total.WithLabels(answer.By.ToLabel()).Observe(answer.Timings.Total.TotalSeconds);
                foreach (var (stage, time) in answer.Timings.Stages.Where(stage => stage.Time > TimeSpan.Zero))
                    _stages.WithLabels(stage).Observe(time.TotalSeconds);
                break;
            case QueryOutcome.Refused(var why, _):
                _refusals.WithLabels(why.ToLabel()).Inc();
                break;
        }
    }

    public void Count(Decision decision)
    {
        var (name, reason) = decision switch
        {
            Decision.Accept => ("accept", ""),
            Decision.AcceptAndAudit => ("accept_and_audit", EscalationReason.Audit.ToLabel()),
            Decision.Escalate(var why) => ("escalate", why.ToLabel()),
            Decision.AnswerDegraded(var why, _) => ("answer_degraded", why.ToLabel()),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        _decisions.WithLabels(name, reason).Inc();
    }

    public void Count(AlarmKind alarm) => _alarms.WithLabels(alarm.ToLabel()).Inc();

    public void Stand(AlarmKind alarm, bool stands) => _standing.WithLabels(alarm.ToLabel()).Set(stands ? 1 : 0);

    public void CountCorrection(EscalationReason reason, string outcome) => _corrections.WithLabels(reason.ToLabel(), outcome).Inc();

    public void CountRefused(ErrorReason reason) => _shed.WithLabels(reason.Shape().Code).Inc();

    public void CountDisconnected() => _shed.WithLabels("client_gone").Inc();

    public IDisposable InFlight() => _inFlight.TrackInProgress();

    /// <summary><c>/metrics</c>.</summary>
    public IEndpointConventionBuilder Map(IEndpointRouteBuilder routes) => routes.MapMetrics("/metrics", _registry);

    public void Dispose() => _meters.Dispose();

    private MeterListener ListenToMeters()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name.StartsWith("Vlm.Edge", StringComparison.Ordinal)) self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Take(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        listener.Start();
        return listener;
    }

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (names, values) = (new string[tags.Length], new string[tags.Length]);
        for (var i = 0; i < tags.Length; i++) (names[i], values[i]) = (tags[i].Key, tags[i].Value?.ToString() ?? "");
        // Asked for a name that it has, the factory gives what it made before.
        var (factory, name, help) = (Metrics.WithCustomRegistry(_registry), $"edge_{instrument.Name}", instrument.Description ?? "");
        switch (instrument)
        {
            case Counter<long>:
                factory.CreateCounter($"{name}_total", help, names).WithLabels(values).Inc(value);
                break;
            case Histogram<double>:
                factory.CreateHistogram(name, help, names, new HistogramConfiguration { Buckets = Seconds }).WithLabels(values).Observe(value);
                break;
            default:
                var gauge = factory.CreateGauge(name, help, names);
                gauge.WithLabels(values).Set(value);
                if (values.Length > 0) _measured.Add((gauge, string.Join('\0', values)));
                break;
        }
    }

    private void ReadGauges()
    {
        lock (_reading)
        {
            _measured = [];
            var areAllRead = Measure();
            var read = _measured.Select(value => value.Gauge).ToHashSet();
            // What is no longer there, such as a camera, has no value either. Of a gauge that could not be read that is not known.
            var gone = _before.Except(_measured).ToLookup(value => areAllRead || read.Contains(value.Gauge));
            foreach (var (gauge, labels) in gone[true]) gauge.RemoveLabelled(labels.Split('\0'));
            _before = [.. _measured, .. gone[false]];
        }
    }

    /// <returns>Whether all gave their values.</returns>
    private bool Measure()
    {
        try
        {
            _meters.RecordObservableInstruments();
            return true;
        }
        catch (AggregateException)
        {
            // The queue's disk fails, or the daemon is ending: its gauges keep their last values, and everything else is still shown.
            return false;
        }
    }
}

using System.Diagnostics.Metrics;
using Vlm.Edge.Scenes;
using Vlm.Text;

namespace Vlm.Edge.Watching;

/// <summary>The numbers of what becomes of frames. Reasons are labels, in snake case.</summary>
internal sealed class WatchMeters : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _refused, _looks, _readings, _outcomes, _withdrawn;
    private readonly Histogram<double> _waited, _age;

    public WatchMeters()
    {
        _meter = new Meter(new MeterOptions("Vlm.Edge.Watching") { Scope = this });
        _refused = _meter.CreateCounter<long>("watch_frames_refused", description: "Frames that nobody looked at although they came, by camera and reason.");
        _looks = _meter.CreateCounter<long>("watch_looks", description: "Frames whose turn it was, by camera and by why they were looked at.");
        _readings = _meter.CreateCounter<long>("watch_readings", description: "What looks brought, by camera and kind.");
        _outcomes = _meter.CreateCounter<long>("watch_outcomes", description: "What came of readings, by camera and outcome: published is one of them.");
        _withdrawn = _meter.CreateCounter<long>("watch_withdrawn", description: "Published answers that hold no longer, by camera and reason.");
        _waited = _meter.CreateHistogram<double>("watch_wait_seconds", description: "From when a camera wanted a look to its turn, by camera.");
        _age = _meter.CreateHistogram<double>("watch_publish_seconds", description: "From the arrival of the last frame that was read to its answer.");
    }

    public void Refused(string camera, FrameRefusal why) => _refused.Add(1, Tag("camera", camera), Tag("reason", why.ToLabel()));

    public void Looked(string camera, LookReason why, TimeSpan waited)
    {
        _looks.Add(1, Tag("camera", camera), Tag("reason", why.ToLabel()));
        _waited.Record(waited.TotalSeconds, Tag("camera", camera));
    }

    public void Read(string camera, ReadingKind kind, ReadingOutcome outcome)
    {
        _readings.Add(1, Tag("camera", camera), Tag("kind", kind.ToLabel()));
        _outcomes.Add(1, Tag("camera", camera), Tag("outcome", outcome.ToLabel()));
    }

    public void Published(TimeSpan age) => _age.Record(age.TotalSeconds);

    public void Withdrawn(string camera, WithdrawalReason why) => _withdrawn.Add(1, Tag("camera", camera), Tag("reason", why.ToLabel()));

    /// <summary>Cameras that wait for their turn, and how long the first of them has waited.</summary>
    public void Watch(Func<(int Waiting, TimeSpan Longest)> read)
    {
        _meter.CreateObservableGauge("watch_waiting", () => read().Waiting, description: "Cameras that wait for a look.");
        _meter.CreateObservableGauge("watch_longest_wait_seconds", () => read().Longest.TotalSeconds, description: "How long the first of them has waited.");
    }

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}

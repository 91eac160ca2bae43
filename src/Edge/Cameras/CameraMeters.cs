using System.Diagnostics.Metrics;
using Vlm.Text;

namespace Vlm.Edge.Cameras;

/// <summary>The numbers of all cameras. Reasons are labels, in snake case.</summary>
internal sealed class CameraMeters : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _frames, _dropped, _openings, _faults;

    public CameraMeters()
    {
        _meter = new Meter(new MeterOptions("Vlm.Edge.Cameras") { Scope = this });
        _frames = _meter.CreateCounter<long>("camera_frames", description: "Pictures that arrived, by camera and integrity.");
        _dropped = _meter.CreateCounter<long>("camera_frames_dropped", description: "Pictures that nobody looked at, by camera and reason.");
        _openings = _meter.CreateCounter<long>("camera_openings", description: "Times that the source was opened, by camera.");
        _faults = _meter.CreateCounter<long>("camera_faults", description: "Ends of the source, by camera and reason.");
    }

    public void Arrived(Frame frame) => _frames.Add(1, Camera(frame.Camera), new KeyValuePair<string, object?>("integrity", frame.Integrity.ToLabel()));

    public void Dropped(string camera, FrameDrop reason) => _dropped.Add(1, Camera(camera), new KeyValuePair<string, object?>("reason", reason.ToLabel()));

    public void Opened(string camera) => _openings.Add(1, Camera(camera));

    public void Failed(string camera, CameraReason reason) => _faults.Add(1, Camera(camera), new KeyValuePair<string, object?>("reason", reason.ToLabel()));

    /// <summary>Gauges of every camera: its condition, and the age of its newest intact picture.</summary>
    public void Watch(Func<IReadOnlyList<Camera>> cameras)
    {
        _meter.CreateObservableGauge("camera_condition", () => cameras().SelectMany(Conditions), description: "1 for the condition that the camera is in.");
        _meter.CreateObservableGauge("camera_frame_age_seconds", () => cameras().SelectMany(Ages), description: "Age of the newest intact picture.");
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<int>> Conditions(Camera camera)
    {
        var now = camera.Now.State.Condition;
        return Enum.GetValues<CameraCondition>().Select(condition => new Measurement<int>(
            condition == now ? 1 : 0, Camera(camera.Name), new KeyValuePair<string, object?>("condition", condition.ToLabel())));
    }

    private static IEnumerable<Measurement<double>> Ages(Camera camera) =>
        camera.Now.Age is { } age ? [new Measurement<double>(age.TotalSeconds, Camera(camera.Name))] : [];

    private static KeyValuePair<string, object?> Camera(string name) => new("camera", name);
}

using Vlm.Drawing;
using Vlm.Files;
using Vlm.Vision;

namespace Vlm.Trainer.Runs;

/// <summary>Everything a run writes about itself: <c>metrics.jsonl</c>, TensorBoard events, and plots drawn from the former.</summary>
/// <remarks>Not thread-safe. <c>metrics.jsonl</c> is the record; the other two can always be made again from it.</remarks>
public sealed class RunLog : IDisposable
{
    private readonly MetricsLog _metrics;
    private readonly TensorBoardEvents _events;

    /// <param name="folder">The run's folder, made when absent.</param>
    /// <param name="resumeStep">
    /// The last step the run keeps: what was logged after it is cut and will be logged again. 0 starts afresh and cuts everything.
    /// </param>
    /// <param name="clock">Source of elapsed and wall time; the system's when not given.</param>
    /// <exception cref="InvalidDataException"><c>metrics.jsonl</c> exists and has a line that is no metrics line.</exception>
    public RunLog(string folder, long resumeStep, TimeProvider? clock = null)
    {
        Directory.CreateDirectory(folder);
        Folder = folder;
        MetricsPath = Path.Combine(folder, "metrics.jsonl");
        _metrics = new MetricsLog(MetricsPath, resumeStep, clock);
        _events = new TensorBoardEvents(folder, resumeStep, clock);
    }

    public string Folder { get; }

    public string MetricsPath { get; }

    /// <summary>Adds one line and one TensorBoard event. Both are with the operating system when this returns, so killing the process loses nothing.</summary>
    /// <param name="step">Not smaller than the step before.</param>
    /// <param name="values">Numbers by name, such as <c>train/loss</c>; a slash groups charts in TensorBoard.</param>
    public void Log(long step, IReadOnlyDictionary<string, double> values)
    {
        _metrics.Append(step, values);
        _events.Append(step, values);
    }

    /// <summary>Draws metrics of the whole run so far as <c>plots/&lt;name&gt;.png</c>.</summary>
    /// <param name="name">The picture's file name without its extension.</param>
    /// <param name="style">Title, axis, smoothing.</param>
    /// <param name="keys">Names of the values to draw, one line each; those that were never logged are left out.</param>
    /// <returns>The picture's path; null when none of the keys has a value yet.</returns>
    public string? Plot(string name, PlotStyle style, params IReadOnlyList<string> keys)
    {
        var lines = MetricsLog.Read(MetricsPath);
        StepSeries[] series = [.. from key in keys
                                  let points = lines.Where(line => line.Values.ContainsKey(key)).Select(line => ((double)line.Step, line.Values[key]))
                                  select new StepSeries(key, [.. points])];
        if (StepChart.From(series, style) is not { } chart) return null;
        var path = Path.Combine(Folder, "plots", name + ".png");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, ImageCodec.EncodePng(PngPen.Draw(chart, TextFace())));
        return path;
    }

    /// <summary>A face with all that titles and numbers need: the reference's own lacks punctuation.</summary>
    private static FontFace TextFace() => Fonts.For("0123456789.,-_/()");

    public void Dispose()
    {
        _metrics.Dispose();
        _events.Dispose();
    }
}

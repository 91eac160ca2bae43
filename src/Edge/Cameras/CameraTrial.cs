using System.Globalization;
using System.Text;
using Vlm.Vision;

namespace Vlm.Edge.Cameras;

/// <summary>What came from a camera that was looked at for some seconds.</summary>
/// <param name="First">From the opening to the first picture; null when none came.</param>
/// <param name="Took">The whole time.</param>
/// <param name="Frames">Pictures, damaged ones included.</param>
/// <param name="Damaged">Damaged ones.</param>
/// <param name="Bytes">Of all of them.</param>
/// <param name="Sizes">Widths and heights that came, in the order in which they came first.</param>
/// <param name="Age">Of the newest intact picture at the end.</param>
/// <param name="Newest">The newest intact picture.</param>
/// <param name="End">Why the source ended before the time was over; null when it did not.</param>
internal sealed record CameraTrial(
    TimeSpan? First, TimeSpan Took, int Frames, int Damaged, long Bytes, IReadOnlyList<(int Width, int Height)> Sizes, TimeSpan? Age,
    ReadOnlyMemory<byte>? Newest, SourceException? End)
{
    private const int MostSizes = 16;

    /// <summary>Looks.</summary>
    /// <param name="source">The camera's.</param>
    /// <param name="time">So long.</param>
    /// <param name="clock">By which.</param>
    /// <param name="stop">Ends it early.</param>
    public static async Task<CameraTrial> RunAsync(IFrameSource source, TimeSpan time, TimeProvider clock, CancellationToken stop)
    {
        var (began, trial) = (clock.GetTimestamp(), new CameraTrial(null, default, 0, 0, 0, [], null, null, null));
        long? newest = null;
        using var over = new CancellationTokenSource(time, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, stop);
        try
        {
            await foreach (var picture in source.Pictures(either.Token))
            {
                if (picture is null) continue;
                trial = trial.With(picture, clock.GetElapsedTime(began));
                if (picture.Integrity == FrameIntegrity.Intact) newest = clock.GetTimestamp();
            }
        }
        catch (SourceException e)
        {
            trial = trial with { End = e };
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            // The time is over.
        }
        return trial with { Took = clock.GetElapsedTime(began), Age = newest is { } at ? clock.GetElapsedTime(at) : null };
    }

    /// <summary>The report: one line for each fact, with its unit.</summary>
    /// <param name="camera">Which one, and how many pictures were asked for.</param>
    public string Text(CameraOptions camera)
    {
        var text = new StringBuilder();
        void Line(string name, FormattableString value) =>
            text.AppendLine(CultureInfo.InvariantCulture, $"{name,-15}{value.ToString(CultureInfo.InvariantCulture)}");
        Line("camera", $"{camera.Name} ({camera.Kind.ToString().ToLowerInvariant()} {camera.Place})");
        if (First is { } first)
        {
            var seconds = Math.Max((Took - first).TotalSeconds, 1e-3);
            Line("first picture", $"after {first.TotalSeconds:F2} s");
            var rate = (Frames - 1) / seconds;
            Line("rate", $"{rate:F2} pictures/s ({Frames} in {Took.TotalSeconds:F1} s; {camera.FramesPerSecond:0.##} asked for)");
            Line("size", $"{string.Join(", then ", Sizes.Select(size => $"{size.Width}x{size.Height}"))}; {Bytes / Frames / 1000} kB a picture");
            Line("damaged", $"{Damaged} of {Frames} ({100.0 * Damaged / Frames:F1} %)");
        }
        if (Age is { } age) Line("newest", $"{age.TotalSeconds:F1} s old");
        if (End is { } end) Line("ended", $"{end.Message}");
        return text.ToString();
    }

    private CameraTrial With(SourcePicture picture, TimeSpan at)
    {
        var header = ImageCodec.Peek(picture.Encoded.Span);
        var size = (header?.Width ?? 0, header?.Height ?? 0);
        var isIntact = picture.Integrity == FrameIntegrity.Intact;
        return this with
        {
            First = First ?? at,
            Frames = Frames + 1,
            Damaged = Damaged + (isIntact ? 0 : 1),
            Bytes = Bytes + picture.Encoded.Length,
            Sizes = Sizes.Contains(size) || Sizes.Count == MostSizes ? Sizes : [.. Sizes, size],
            Newest = isIntact ? picture.Encoded : Newest,
        };
    }
}

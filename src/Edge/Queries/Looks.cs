using Vlm.Edge.Answers;
using Vlm.Edge.Scenes;
using Vlm.Vision;

namespace Vlm.Edge.Queries;

/// <summary>A picture that was looked at.</summary>
/// <param name="Scene">What it shows.</param>
/// <param name="Warning">What is wrong with its file though all of it could be read; null when nothing is.</param>
/// <param name="Pixels">Its pixels; null when there was no room to keep them.</param>
/// <param name="Timings">Up to here.</param>
internal sealed record Look(Scene Scene, string? Warning, Looks.Kept? Pixels, AnswerTimings Timings) : IDisposable
{
    public void Dispose() => Pixels?.Dispose();
}

/// <summary>Looks at pictures, one large and one small one at a time, so that a small one never waits for a large one.</summary>
/// <remarks>
/// Pixels are kept until the question's turn as long as all that are kept fit into <see cref="MostKept"/>; beyond that they are decoded once more in the turn.
/// Thread-safe.
/// </remarks>
internal sealed class Looks : IDisposable
{
    /// <summary>Bytes of pixels that wait.</summary>
    public const long MostKept = 48L << 20;

    // What a phone's screen shows; decoded in a few hundredths of a second.
    private const long SmallPixels = 2_000_000;
    private readonly SemaphoreSlim _small = new(1), _large = new(1);
    private long _kept;

    /// <exception cref="PictureException">It cannot be decoded.</exception>
    public async Task<Look> LookAsync(byte[] file, TimeProvider clock, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        var lane = Lane(file);
        await lane.WaitAsync(cancellation);
        try
        {
            var timings = new AnswerTimings { Queue = clock.GetElapsedTime(started) };
            return await Task.Run(() => Read(file, timings, clock), cancellation);
        }
        finally
        {
            lane.Release();
        }
    }

    /// <summary>The pixels of a picture that was looked at: those that were kept, else decoded again.</summary>
    public (RgbImage Picture, AnswerTimings Timings) Pixels(byte[] file, Look look, TimeProvider clock)
    {
        if (look.Pixels is { } kept) return (kept.Image, look.Timings);
        var started = clock.GetTimestamp();
        var lane = Lane(file);
        lane.Wait();
        try
        {
            var picture = ImageCodec.Read(file).Image;
            return (picture, look.Timings with { DecodePicture = look.Timings.DecodePicture + clock.GetElapsedTime(started) });
        }
        finally
        {
            lane.Release();
        }
    }

    public void Dispose()
    {
        _small.Dispose();
        _large.Dispose();
    }

    private SemaphoreSlim Lane(byte[] file) => ImageCodec.Peek(file) is { } header && (long)header.Width * header.Height > SmallPixels ? _large : _small;

    private Look Read(byte[] file, AnswerTimings timings, TimeProvider clock)
    {
        var started = clock.GetTimestamp();
        var picture = ImageCodec.Read(file);
        timings = timings with { DecodePicture = clock.GetElapsedTime(started) };
        return new Look(Scene.From(picture.Image), picture.Warning, Keep(picture.Image), timings);
    }

    private Kept? Keep(RgbImage image)
    {
        long bytes = image.Width * image.Height * 3;
        if (Interlocked.Add(ref _kept, bytes) <= MostKept) return new Kept(this, image, bytes);
        Interlocked.Add(ref _kept, -bytes);
        return null;
    }

    /// <summary>Pixels that are kept until the look is disposed.</summary>
    internal sealed class Kept(Looks looks, RgbImage image, long bytes) : IDisposable
    {
        private bool _isGiven;

        public RgbImage Image => image;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _isGiven, true)) Interlocked.Add(ref looks._kept, -bytes);
        }
    }
}

using System.Runtime.CompilerServices;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>What is run for one camera.</summary>
/// <param name="Program">Name or path of ffmpeg.</param>
/// <param name="Liveness">What the absence of new pictures says.</param>
/// <param name="Command">How it is called now: devices and passwords are looked up at every opening.</param>
/// <param name="Redact">Takes user and password out of what it says.</param>
internal sealed record FfmpegRun(string Program, Liveness Liveness, Func<FfmpegCommand> Command, Func<string, string> Redact);

/// <summary>Whatever ffmpeg can read. Its clock is this program's own: a picture must come in time, whatever ffmpeg believes.</summary>
internal sealed class FfmpegSource(FfmpegRun run, SourcePace pace, TimeProvider clock) : IFrameSource
{
    /// <inheritdoc/>
    public Liveness Liveness => run.Liveness;

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourcePicture?> Pictures([EnumeratorCancellation] CancellationToken stop)
    {
        await using var child = FfmpegChild.Start(run.Program, run.Command(), pace.MaxBytes, clock);
        var count = 0L;
        while (await NextAsync(child, count, stop) is var (picture, verdict))
        {
            // ffmpeg would go on in the size that it began with, and squeeze what comes into it.
            if (verdict.SizeChange is var (before, now))
                throw new SourceException(CameraReason.SizeChanged, $"The size of its pictures changed from {before} to {now}, so it is opened anew.");
            count++;
            yield return new SourcePicture(picture, verdict.Integrity) { BetweenKeyFrames = verdict.BetweenKeyFrames };
        }
        throw FfmpegEnd.Of(run.Redact(child.LastError), count);
    }

    private async Task<(byte[], FfmpegVerdict)?> NextAsync(FfmpegChild child, long count, CancellationToken stop)
    {
        // Until the first one it connects and looks at the stream.
        var patience = count == 0 ? pace.Patience * 2 : pace.Patience;
        using var late = new CancellationTokenSource(patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            return await child.NextAsync(either.Token);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            throw new SourceException(count == 0 ? CameraReason.Timeout : CameraReason.Stalled, $"No picture came for {patience.TotalSeconds:F0} s.");
        }
    }
}

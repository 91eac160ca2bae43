using Microsoft.Extensions.Logging;
using Vlm.Text;

namespace Vlm.Edge.Cameras;

/// <summary>What a camera is run with.</summary>
/// <param name="Clock">Arrivals, ages and pauses.</param>
/// <param name="Meters">Numbers.</param>
/// <param name="Draw">From [0, 1): the jitter of its pauses.</param>
/// <param name="Log">What happens.</param>
internal sealed record CameraTools(TimeProvider Clock, CameraMeters Meters, Func<double> Draw, ILogger Log);

/// <summary>One camera: opens its source, takes what comes, opens it again when it ends; holds the newest picture for whoever looks at it.</summary>
/// <remarks>Thread-safe. Its bounds: one picture in the slot and the newest intact one beside it, one source open, pauses up to a minute.</remarks>
internal sealed class Camera
{
    private readonly IFrameSource _source;
    private readonly CameraTools _tools;
    private readonly Action _arrived;
    private readonly CameraRecord _record;
    private readonly FrameSlot _slot = new();
    private readonly CameraLimits _limits;

    /// <param name="options">Checked.</param>
    /// <param name="source">Where its pictures come from.</param>
    /// <param name="tools">What it is run with.</param>
    /// <param name="arrived">Called at every intact picture, once it can be taken; must not wait.</param>
    /// <param name="before">The camera of this name that it takes the place of; null for none.</param>
    public Camera(CameraOptions options, IFrameSource source, CameraTools tools, Action arrived, Camera? before = null)
    {
        (Options, _source, _tools, _arrived) = (options, source, tools, arrived);
        _limits = new CameraLimits(source.Liveness, options.OfflineAfter, options.FrozenAfter) { FollowsKeyFrames = options.FrozenSeconds is null };
        _record = new CameraRecord(options.Name, _limits, tools.Clock, before?.Now.Counts);
    }

    public CameraOptions Options { get; }

    public string Name => Options.Name;

    /// <summary>As it is now.</summary>
    public CameraView Now => _record.Now;

    /// <summary>The source; a pushing camera's takes what is posted.</summary>
    public IFrameSource Source => _source;

    /// <summary>The newest intact picture that nobody took yet; null when there is none.</summary>
    public Frame? Take() => _slot.Take();

    /// <summary>Runs it until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            var began = _tools.Clock.GetTimestamp();
            var fault = await OpenAsync(stop);
            if (stop.IsCancellationRequested) return;
            var isForgiven = _record.Now.Age < _tools.Clock.GetElapsedTime(began) && _tools.Clock.GetElapsedTime(began) >= Backoff.Forgiven;
            failures = isForgiven ? 1 : failures + 1;
            var pause = Backoff.Pause(failures, _tools.Draw());
            _record.Failed(fault.Reason, fault.Message);
            _tools.Meters.Failed(Name, fault.Reason);
            _tools.Log.Ended(Name, fault.Reason.ToLabel(), fault.Message, pause.TotalSeconds);
            try
            {
                await Task.Delay(pause, _tools.Clock, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Looks at the pixels of the newest picture: is it black, can it be decoded at all?</summary>
    public void LookForDarkness()
    {
        if (_limits.Liveness == Liveness.Still || _record.Now.Newest is not { } newest) return;
        try
        {
            // Without its end mark: then the decoder says whether it lacks data, which cameras hide that put the mark behind half a picture.
            _record.Seen(Darkness.Is(Vision.ImageCodec.Read(JpegShape.WithoutEnd(newest.Encoded).Span, Darkness.EnoughPixels).Image));
        }
        catch (Vision.PictureException)
        {
            _record.Seen(null);
        }
    }

    /// <summary>One epoch.</summary>
    /// <returns>Why it ended.</returns>
    private async Task<SourceException> OpenAsync(CancellationToken stop)
    {
        // What is from before may show something else.
        if (_slot.Take() is not null) Drop(FrameDrop.Reopened);
        _record.Open();
        _tools.Meters.Opened(Name);
        using var epoch = CancellationTokenSource.CreateLinkedTokenSource(stop);
        try
        {
            var wasFrozen = _record.Now.State.Condition == CameraCondition.Frozen;
            await foreach (var picture in _source.Pictures(epoch.Token))
            {
                if (picture is null) _record.Looked();
                else Put(_record.Take(picture));
                var isFrozen = _record.Now.State.Condition == CameraCondition.Frozen;
                // Once: if a new opening does not help, nothing on this side does.
                if (isFrozen && !wasFrozen) return new SourceException(CameraReason.Frozen, "Its pictures do not change; it is opened again once.");
                wasFrozen = isFrozen;
            }
            return new SourceException(CameraReason.Ended, "The stream ended.");
        }
        catch (SourceException e)
        {
            return e;
        }
        catch (OperationCanceledException e)
        {
            return new SourceException(CameraReason.Timeout, "It did not answer in time.", e);
        }
        catch (Exception e)
        {
            // A camera must not end the daemon.
            _tools.Log.Fault(e, Name);
            return new SourceException(CameraReason.Internal, $"A fault of this program: {e.Message}", e);
        }
        finally
        {
            await epoch.CancelAsync();
        }
    }

    private void Put(Frame frame)
    {
        _tools.Meters.Arrived(frame);
        if (frame.Integrity == FrameIntegrity.Damaged)
        {
            Drop(FrameDrop.Damaged);
            return;
        }
        if (_slot.Put(frame) is not null) Drop(FrameDrop.Replaced);
        _arrived();
    }

    private void Drop(FrameDrop reason)
    {
        _record.Dropped();
        _tools.Meters.Dropped(Name, reason);
    }
}

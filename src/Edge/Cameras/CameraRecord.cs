namespace Vlm.Edge.Cameras;

/// <summary>A camera as it is at one moment.</summary>
/// <param name="State">How it is, and why.</param>
/// <param name="Detail">The same for people; empty when it is well.</param>
/// <param name="Age">Of the newest intact picture; null when there was none.</param>
/// <param name="Newest">The newest intact picture.</param>
/// <param name="Counts">What arrived since the daemon started.</param>
internal sealed record CameraView(CameraState State, string Detail, TimeSpan? Age, Frame? Newest, CameraCounts Counts);

/// <summary>What arrived since the daemon started.</summary>
/// <param name="Frames">Pictures, damaged ones included.</param>
/// <param name="Damaged">Damaged ones among them.</param>
/// <param name="Dropped">Those that nobody will look at.</param>
/// <param name="Epoch">Openings of the source.</param>
internal sealed record CameraCounts(long Frames, long Damaged, long Dropped, long Epoch);

/// <summary>What happened to one camera: the facts from which its state follows. Thread-safe.</summary>
/// <param name="name">The camera's.</param>
/// <param name="limits">What it is judged by.</param>
/// <param name="clock">Arrivals and ages.</param>
/// <param name="before">What arrived from an earlier camera of this name, whose pictures may still be under way; null when there was none.</param>
internal sealed class CameraRecord(string name, CameraLimits limits, TimeProvider clock, CameraCounts? before = null)
{
    private readonly Lock _lock = new();
    private readonly long _started = clock.GetTimestamp();
    private long? _intact, _damaged, _changed, _fingerprint;
    private Frame? _newest;
    private (CameraReason Reason, string Detail) _fault;
    private bool _isDark;
    private TimeSpan? _betweenKeyFrames;
    private CameraCounts _counts = before is null ? new(0, 0, 0, 0) : before with { Epoch = before.Epoch + 1 };

    /// <summary>As it is now.</summary>
    public CameraView Now
    {
        get
        {
            lock (_lock)
            {
                var ages = new CameraAges(Age(_started)!.Value, Age(_intact), Age(_damaged), Age(_changed));
                var state = CameraState.Of(ages, limits.With(_betweenKeyFrames), _fault.Reason, _isDark);
                return new CameraView(state, Detail(state, ages), Age(_newest?.Arrival), _newest, _counts);
            }
        }
    }

    /// <summary>The source is opened.</summary>
    /// <returns>The epoch that begins.</returns>
    public long Open()
    {
        lock (_lock)
        {
            _counts = _counts with { Epoch = _counts.Epoch + 1 };
            return _counts.Epoch;
        }
    }

    /// <summary>A picture arrived.</summary>
    /// <returns>It, with its place among those of this camera.</returns>
    public Frame Take(SourcePicture picture)
    {
        // Outside the lock: it reads every byte.
        long? fingerprint = picture.Integrity == FrameIntegrity.Intact && limits.Liveness == Liveness.Live
            ? JpegShape.Fingerprint(picture.Encoded.Span) : null;
        lock (_lock)
        {
            _betweenKeyFrames = picture.BetweenKeyFrames;
            var isDamaged = picture.Integrity == FrameIntegrity.Damaged;
            _counts = _counts with { Frames = _counts.Frames + 1, Damaged = _counts.Damaged + (isDamaged ? 1 : 0) };
            var frame = new Frame(name, picture.Encoded, clock.GetTimestamp(), clock.GetUtcNow(), _counts.Frames, _counts.Epoch, picture.Integrity);
            if (isDamaged)
            {
                _damaged = frame.Arrival;
                return frame;
            }
            if (_changed is null || fingerprint is null || fingerprint != _fingerprint) _changed = frame.Arrival;
            // While nothing came, nobody saw that nothing changed.
            else if (_intact is { } last && clock.GetElapsedTime(last, frame.Arrival) > limits.OfflineAfter) _changed += frame.Arrival - last;
            (_intact, _fingerprint, _newest, _fault) = (frame.Arrival, fingerprint, frame, default);
            return frame;
        }
    }

    /// <summary>A look at files succeeded and found nothing.</summary>
    public void Looked()
    {
        lock (_lock) (_intact, _fault) = (clock.GetTimestamp(), default);
    }

    /// <summary>The source ended. The detail holds no password.</summary>
    public void Failed(CameraReason reason, string detail)
    {
        lock (_lock) _fault = (reason, detail);
    }

    /// <summary>Nobody will look at a picture that arrived.</summary>
    public void Dropped()
    {
        lock (_lock) _counts = _counts with { Dropped = _counts.Dropped + 1 };
    }

    /// <summary>What a look at the pixels of the newest picture told.</summary>
    /// <param name="isDark">Null when it cannot be decoded.</param>
    public void Seen(bool? isDark)
    {
        lock (_lock)
        {
            if (isDark is { } dark) _isDark = dark;
            else _damaged = clock.GetTimestamp();
        }
    }

    private TimeSpan? Age(long? timestamp) => timestamp is { } then ? clock.GetElapsedTime(then) : null;

    private string Detail(CameraState state, CameraAges ages) => state.Reason switch
    {
        CameraReason.None => "",
        CameraReason.Starting => "It was opened a moment ago.",
        CameraReason.Damaged => "Pictures come damaged: see cable, network and bandwidth of the camera.",
        CameraReason.Dark => "Its pictures are black: is it night, or does something cover the lens?",
        CameraReason.Frozen => $"Not one pixel changed for {ages.Changed?.TotalSeconds:F0} s. Restart the camera.",
        CameraReason.Stalled when _fault.Detail is null or "" => ages.Intact is { } age
            ? $"No intact picture came for {age.TotalSeconds:F0} s." : "No intact picture ever came.",
        _ => _fault.Detail,
    };
}

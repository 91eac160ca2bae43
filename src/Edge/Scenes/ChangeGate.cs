namespace Vlm.Edge.Scenes;

/// <summary>Why a frame is looked at. Also a metric label, in snake case.</summary>
internal enum LookReason
{
    /// <summary>Nothing was seen before it.</summary>
    First,

    /// <summary>Only fine detail is another, as when a sheet was exchanged between two frames.</summary>
    Detail,

    /// <summary>Something changed, and all stands still again.</summary>
    Settled,

    /// <summary>All of it is another picture, and that stands still again.</summary>
    SceneReset,

    /// <summary>Something moves and does not stop.</summary>
    Restless,

    /// <summary>The message is another; nothing changed before the camera.</summary>
    Message,

    /// <summary>A further reading of what stands still.</summary>
    Again,
}

/// <summary>What the change gate says of a frame.</summary>
/// <param name="IsChange">What was read before it is void.</param>
/// <param name="IsSettled">It may be looked at.</param>
/// <param name="Look">Why it must be looked at; null when it need not.</param>
internal readonly record struct GateVerdict(bool IsChange, bool IsSettled, LookReason? Look);

/// <summary>
/// Says of each frame of a camera whether it is worth a look: a change is waited out until all stands still, then looked at once. Immutable; only saves work.
/// </summary>
/// <remarks>
/// Whatever came before: what then stands still was looked at in the end. What never stands still is looked at every <see cref="LongestWait"/>, and movement
/// counts for nothing as long after that, so that it can be read more than once.
/// </remarks>
internal sealed record ChangeGate
{
    /// <summary>How long a change is waited out at most.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    // The digits of a clock in the picture are fine detail too: they must not keep the model busy.
    private static readonly TimeSpan DetailEvery = TimeSpan.FromSeconds(5);

    /// <summary>The gate of a camera that has shown nothing yet.</summary>
    public static ChangeGate New { get; } = new();

    private Sight? Before { get; init; }

    private Sight? Looked { get; init; }

    private TimeSpan LookedAt { get; init; }

    /// <summary>The change that is waited out; null while all stands still.</summary>
    private LookReason? Pending { get; init; }

    private TimeSpan PendingSince { get; init; }

    private int Quiet { get; init; }

    /// <summary>Until then movement counts for nothing.</summary>
    private TimeSpan RestlessUntil { get; init; } = TimeSpan.MinValue;

    /// <summary>Takes in a frame.</summary>
    /// <param name="sight">What is seen of it.</param>
    /// <param name="now">On a clock that only runs forward.</param>
    /// <param name="quietFrames">Frames without movement that are waited for.</param>
    public (ChangeGate Next, GateVerdict Verdict) Step(Sight sight, TimeSpan now, int quietFrames)
    {
        if (Before is null || Looked is null) return LookAt(sight, now, LookReason.First);
        var flips = sight.IsFlip(Before);
        var moves = flips || (now >= RestlessUntil && sight.Moved(Before));
        var change = flips ? LookReason.SceneReset : moves ? LookReason.Settled : Pending is null ? Standing(sight, now) : null;
        if (change is null && Pending is null) return (this with { Before = sight }, new GateVerdict(false, true, null));

        var pending = Stronger(change, Pending);
        var since = Pending is null ? now : PendingSince;
        var quiet = moves ? 0 : Quiet + 1;
        if (quiet >= quietFrames) return LookAt(sight, now, pending);
        if (now - since >= LongestWait) return LookAt(sight, now, LookReason.Restless);
        var next = this with { Before = sight, Pending = pending, PendingSince = since, Quiet = quiet };
        return (next, new GateVerdict(change is not null, false, null));
    }

    /// <summary>A difference to what was looked at that no movement showed.</summary>
    private LookReason? Standing(Sight sight, TimeSpan now) => now < RestlessUntil ? null
        : sight.Moved(Looked!) ? LookReason.Settled
        : now - LookedAt >= DetailEvery && sight.HasOtherDetail(Looked!) ? LookReason.Detail
        : null;

    private (ChangeGate Next, GateVerdict Verdict) LookAt(Sight sight, TimeSpan now, LookReason reason)
    {
        var next = this with
        {
            Before = sight,
            Looked = sight,
            LookedAt = now,
            Pending = null,
            Quiet = 0,
            RestlessUntil = reason == LookReason.Restless ? now + LongestWait : TimeSpan.MinValue,
        };
        return (next, new GateVerdict(true, true, reason));
    }

    private static LookReason Stronger(LookReason? one, LookReason? other) => (LookReason)Math.Max((int)(one ?? 0), (int)(other ?? 0));
}

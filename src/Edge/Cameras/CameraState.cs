namespace Vlm.Edge.Cameras;

/// <summary>How a camera is. Also a metric label, in snake case.</summary>
internal enum CameraCondition
{
    /// <summary>A new, intact picture came a moment ago.</summary>
    Online,

    /// <summary>Pictures come, but not as they should.</summary>
    Degraded,

    /// <summary>The same picture comes again and again.</summary>
    Frozen,

    /// <summary>No picture comes.</summary>
    Offline,
}

/// <summary>How long ago things happened; null for never.</summary>
/// <param name="SinceStart">The daemon began with this camera.</param>
/// <param name="Intact">The newest intact picture, or for files the newest look that succeeded, arrived.</param>
/// <param name="Damaged">The newest damaged picture arrived.</param>
/// <param name="Changed">The newest intact picture arrived whose pixels differ from the one before.</param>
internal sealed record CameraAges(TimeSpan SinceStart, TimeSpan? Intact, TimeSpan? Damaged, TimeSpan? Changed);

/// <summary>What a camera is judged by.</summary>
/// <param name="Liveness">What the absence of new pictures says.</param>
/// <param name="OfflineAfter">So old may the newest intact picture be.</param>
/// <param name="FrozenAfter">So long may no pixel change; null for ever.</param>
internal sealed record CameraLimits(Liveness Liveness, TimeSpan OfflineAfter, TimeSpan? FrozenAfter)
{
    // Less would call a desk at night frozen, of which an encoder makes the same pixels again.
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(10);

    /// <summary>Whether three times what lies between two key frames takes the place of <see cref="FrozenAfter"/> where that is known.</summary>
    public bool FollowsKeyFrames { get; init; }

    /// <summary>The same for a stream whose key frames are known: between them encoders repeat pixels exactly.</summary>
    /// <param name="betweenKeyFrames">Null where they are not.</param>
    public CameraLimits With(TimeSpan? betweenKeyFrames) => FollowsKeyFrames && betweenKeyFrames * 3 is { } three
        ? this with { FrozenAfter = three > Least ? three : Least }
        : this;
}

/// <summary>How a camera is and why.</summary>
internal readonly record struct CameraState(CameraCondition Condition, CameraReason Reason)
{
    /// <summary>Whether people who rely on the camera should know: nothing new comes from it.</summary>
    public bool IsDown => Condition is CameraCondition.Offline or CameraCondition.Frozen;

    /// <summary>
    /// The one rule from which state, metric, event and alarm follow: a camera is online while a new and intact picture is at most so old. That its program
    /// runs or its connection is open says nothing.
    /// </summary>
    /// <param name="ages">When what happened.</param>
    /// <param name="limits">What it is judged by.</param>
    /// <param name="fault">Why its source ended last, if it is not open again; None else.</param>
    /// <param name="isDark">Whether its newest picture is black.</param>
    public static CameraState Of(CameraAges ages, CameraLimits limits, CameraReason fault, bool isDark)
    {
        var isDamaged = ages.Damaged <= limits.OfflineAfter;
        if (!(ages.Intact <= limits.OfflineAfter))
        {
            if (isDamaged) return new(CameraCondition.Degraded, CameraReason.Damaged);
            if (fault != CameraReason.None) return new(CameraCondition.Offline, fault);
            var isStarting = ages is { Intact: null, Damaged: null } && ages.SinceStart <= limits.OfflineAfter;
            return new(CameraCondition.Offline, isStarting ? CameraReason.Starting : CameraReason.Stalled);
        }
        if (limits.Liveness == Liveness.Live && ages.Changed > limits.FrozenAfter) return new(CameraCondition.Frozen, CameraReason.Frozen);
        if (isDamaged) return new(CameraCondition.Degraded, CameraReason.Damaged);
        return isDark ? new(CameraCondition.Degraded, CameraReason.Dark) : new(CameraCondition.Online, CameraReason.None);
    }
}

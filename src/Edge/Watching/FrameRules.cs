using Vlm.Edge.Cameras;

namespace Vlm.Edge.Watching;

/// <summary>Why nobody looked at a frame that came. Also a metric label, in snake case.</summary>
internal enum FrameRefusal
{
    /// <summary>The camera is paused.</summary>
    Paused,

    /// <summary>There is no coded message to read it with.</summary>
    NoMessage,

    /// <summary>It came from a connection that was given up meanwhile.</summary>
    EarlierEpoch,

    /// <summary>It was here before, or one after it was.</summary>
    Repeated,

    /// <summary>The camera or its decoder complained about it.</summary>
    Damaged,

    /// <summary>It is older than anybody wants to know.</summary>
    Old,

    /// <summary>It is no picture that can be decoded.</summary>
    Unreadable,

    /// <summary>A newer frame of the same scene took its place while it waited for its turn.</summary>
    Superseded,

    /// <summary>The scene or the message changed while it waited or was read.</summary>
    Outdated,
}

/// <summary>A frame's place in the order of its camera's.</summary>
internal readonly record struct FrameNumber(long Epoch, long Sequence)
{
    public static FrameNumber None { get; } = new(long.MinValue, long.MinValue);

    public static FrameNumber Of(Frame frame) => new(frame.Epoch, frame.Sequence);
}

/// <summary>What decides about a frame beside itself.</summary>
/// <param name="Last">The frame before it.</param>
/// <param name="Age">Of the frame.</param>
/// <param name="MaxAge">Above it a frame is old.</param>
/// <param name="IsPaused">Whether the camera is paused.</param>
/// <param name="HasMessage">Whether there is a message to read it with.</param>
internal readonly record struct FrameSituation(FrameNumber Last, TimeSpan Age, TimeSpan MaxAge, bool IsPaused, bool HasMessage);

/// <summary>Which frames are refused before a pixel is decoded. Pure.</summary>
internal static class FrameRules
{
    /// <returns>Null when it is taken.</returns>
    public static FrameRefusal? Refuse(Frame frame, FrameSituation situation) =>
        situation.IsPaused ? FrameRefusal.Paused
        : frame.Epoch < situation.Last.Epoch ? FrameRefusal.EarlierEpoch
        : frame.Epoch == situation.Last.Epoch && frame.Sequence <= situation.Last.Sequence ? FrameRefusal.Repeated
        : frame.Integrity == FrameIntegrity.Damaged ? FrameRefusal.Damaged
        : situation.Age > situation.MaxAge ? FrameRefusal.Old
        : !situation.HasMessage ? FrameRefusal.NoMessage
        : null;
}

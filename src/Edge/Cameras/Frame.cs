namespace Vlm.Edge.Cameras;

/// <summary>Whether a picture came as its camera sent it.</summary>
internal enum FrameIntegrity
{
    /// <summary>Nothing speaks against it.</summary>
    Intact,

    /// <summary>Cut off, or decoded while data were missing: it may show what was never there. It is not to be read.</summary>
    Damaged,
}

/// <summary>One picture of a camera as it arrived; still encoded, since most are dropped before anybody looks.</summary>
/// <param name="Camera">The camera's name.</param>
/// <param name="Encoded">A whole picture file, usually JPEG; at most as many bytes as the camera's settings allow. Nobody changes it any more.</param>
/// <param name="Arrival">When it arrived: a timestamp of the daemon's clock, for ages. What a camera says of its own time is not believed.</param>
/// <param name="At">The same for people, UTC; wrong while the machine's clock is.</param>
/// <param name="Sequence">1 for the camera's first picture since the daemon started; counts on over epochs, and over pictures that were dropped.</param>
/// <param name="Epoch">1 for the first opening of the source, one more for each that follows: pictures of different epochs may show different things.</param>
/// <param name="Integrity">Whether it can be read.</param>
internal sealed record Frame(
    string Camera, ReadOnlyMemory<byte> Encoded, long Arrival, DateTimeOffset At, long Sequence, long Epoch, FrameIntegrity Integrity);

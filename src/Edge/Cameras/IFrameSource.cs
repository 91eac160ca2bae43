namespace Vlm.Edge.Cameras;

/// <summary>What the absence of new pictures says about a source.</summary>
internal enum Liveness
{
    /// <summary>A lens: pictures come on and on, and no two are the same to the last pixel for long.</summary>
    Live,

    /// <summary>Somebody who sends pictures: they come on and on, and may repeat.</summary>
    Repeating,

    /// <summary>Files: they are read again and again, may stay the same, and there may be none.</summary>
    Still,
}

/// <summary>A picture as its source gave it.</summary>
/// <param name="Encoded">A whole picture file.</param>
/// <param name="Integrity">What the source knows of it.</param>
internal sealed record SourcePicture(ReadOnlyMemory<byte> Encoded, FrameIntegrity Integrity)
{
    /// <summary>What lies between two key frames of the stream, as far as it is known; null where it is not, or where each picture stands for itself.</summary>
    public TimeSpan? BetweenKeyFrames { get; init; }
}

/// <summary>Where pictures of a camera come from.</summary>
internal interface IFrameSource
{
    /// <summary>What the absence of new pictures says.</summary>
    Liveness Liveness { get; }

    /// <summary>Opens the source and gives its pictures as they arrive, until it ends or is stopped; whatever it holds is let go then.</summary>
    /// <param name="stop">Ends it.</param>
    /// <returns>Pictures; null for a look that succeeded and found none, which only a <see cref="Liveness.Still"/> source has.</returns>
    /// <exception cref="SourceException">It cannot be opened, or fails.</exception>
    IAsyncEnumerable<SourcePicture?> Pictures(CancellationToken stop);
}

namespace Vlm.Edge.Cameras;

/// <summary>Why a camera is not well. Also a metric label, in snake case.</summary>
internal enum CameraReason
{
    /// <summary>It is well.</summary>
    None,

    /// <summary>It was opened a moment ago, and no picture has come yet.</summary>
    Starting,

    /// <summary>Nobody answers at its address.</summary>
    Unreachable,

    /// <summary>It did not answer in time.</summary>
    Timeout,

    /// <summary>It wants a user and a password, or others.</summary>
    Unauthorized,

    /// <summary>There is nothing at its address.</summary>
    NotFound,

    /// <summary>It sends elsewhere, where nobody said that it may.</summary>
    Redirected,

    /// <summary>It answers with a page for people: most often the address is that of its settings.</summary>
    Html,

    /// <summary>What it sends is no picture.</summary>
    NotAPicture,

    /// <summary>What it sends is larger than its settings allow.</summary>
    TooLarge,

    /// <summary>It answers with an error of its own.</summary>
    ServerError,

    /// <summary>The stream ended.</summary>
    Ended,

    /// <summary>Its pictures have another size since a moment ago, so it is opened anew.</summary>
    SizeChanged,

    /// <summary>It is open, and no picture comes.</summary>
    Stalled,

    /// <summary>Pictures come damaged.</summary>
    Damaged,

    /// <summary>The same picture comes again and again.</summary>
    Frozen,

    /// <summary>Pictures are black.</summary>
    Dark,

    /// <summary>The device is not there.</summary>
    DeviceMissing,

    /// <summary>More than one device could be meant.</summary>
    DeviceAmbiguous,

    /// <summary>The folder or file cannot be read.</summary>
    Unreadable,

    /// <summary>The program ffmpeg is not there.</summary>
    FfmpegMissing,

    /// <summary>The program ffmpeg fails.</summary>
    FfmpegFailed,

    /// <summary>The password cannot be read.</summary>
    NoPassword,

    /// <summary>A fault of this program.</summary>
    Internal,
}

/// <summary>A source that cannot go on.</summary>
/// <param name="reason">Why.</param>
/// <param name="message">For people: what was found and what to do. Holds no password.</param>
/// <param name="inner">What caused it.</param>
internal sealed class SourceException(CameraReason reason, string message, Exception? inner = null) : Exception(message, inner)
{
    public CameraReason Reason => reason;
}

namespace Vlm.Edge.Cameras.Sources;

/// <summary>Why ffmpeg ended, from what it said last: its exit code says nothing. Pure.</summary>
internal static class FfmpegEnd
{
    private static readonly (string Said, CameraReason Reason, string Advice)[] Reasons =
    [
        ("401 Unauthorized", CameraReason.Unauthorized, "Check user and password."),
        ("authorization failed", CameraReason.Unauthorized, "Check user and password."),
        ("403 Forbidden", CameraReason.Unauthorized, "Check user and password."),
        ("404 Not Found", CameraReason.NotFound, "Check the path of the address."),
        ("404 Stream Not Found", CameraReason.NotFound, "Check the path of the address."),
        ("Connection refused", CameraReason.Unreachable, "Check the address, and that the camera is on."),
        ("No route to host", CameraReason.Unreachable, "Check the address and the network."),
        ("Network is unreachable", CameraReason.Unreachable, "Check the network."),
        ("Failed to resolve hostname", CameraReason.Unreachable, "Check the name in the address."),
        ("Connection timed out", CameraReason.Timeout, "Check the network."),
        ("Device or resource busy", CameraReason.Unreadable, "Another program uses the camera."),
        ("Permission denied", CameraReason.Unreadable, "May this user read it? For cameras: add the user to the group video."),
        ("No such file or directory", CameraReason.Unreadable, "Is it there?"),
        ("No such device", CameraReason.DeviceMissing, "Is it plugged in?"),
        ("Unrecognized option", CameraReason.FfmpegFailed, "ffmpeg 5.1 or later is needed."),
    ];

    /// <summary>The reason of an end.</summary>
    /// <param name="said">The last error that it told, without passwords; empty for none.</param>
    /// <param name="pictures">How many came before.</param>
    public static SourceException Of(string said, long pictures)
    {
        foreach (var (word, reason, advice) in Reasons)
        {
            if (said.Contains(word, StringComparison.OrdinalIgnoreCase)) return new SourceException(reason, $"ffmpeg says: {Cut(said)}. {advice}");
        }
        if (pictures > 0) return new SourceException(CameraReason.Ended, "The stream ended.");
        return new SourceException(CameraReason.FfmpegFailed,
            said.Length == 0 ? "ffmpeg ended without a picture and without a word." : $"ffmpeg says: {Cut(said)}.");
    }

    private static string Cut(string said)
    {
        var text = said.Replace("[error] ", "", StringComparison.Ordinal).Trim().TrimEnd('.');
        return text.Length > 300 ? text[..300] + "…" : text;
    }
}

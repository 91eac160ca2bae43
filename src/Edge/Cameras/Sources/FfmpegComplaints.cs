namespace Vlm.Edge.Cameras.Sources;

/// <summary>What ffmpeg says about the pictures that it hands out, line by line, as verdicts in the order of the pictures.</summary>
/// <remarks>
/// Not thread-safe. ffmpeg conceals what it could not decode and hands the picture out as if it were good; only its standard error tells. After a complaint all
/// pictures are damaged until a key frame comes about which, and about the few pictures before which, there was none: newer versions decode and filter in
/// different threads, so that a complaint may be some pictures early.
/// </remarks>
internal sealed class FfmpegComplaints
{
    private const int QuietPictures = 4;

    // Said about streams that are well.
    private static readonly string[] Harmless =
    [
        "deprecated pixel format used", "Guessed Channel Layout", "DTS", "Timestamps are unset", "timestamps are unset", "Last message repeated",
        "Stream #", "Could not find codec parameters for stream", "Consider increasing the value for the 'analyzeduration'", "unable to decode APP fields",
        "not enough frames to estimate rate", "Estimating duration from bitrate", "The driver changed the time per frame", "Multiple -", "deprecated",
    ];

    // Said while a stream is entered in the middle: of pictures that are not handed out.
    private static readonly string[] BeforeFirst =
        ["non-existing PPS", "non-existing SPS", "decode_slice_header error", "no frame!", "sps_id", "pps_id", "Could not find ref"];

    private bool _isDirty = true;
    private bool _hasDecoded;
    private int _quiet = QuietPictures;

    /// <summary>The last line that told of an error, for the reason of an end; empty when there was none.</summary>
    public string LastError { get; private set; } = "";

    /// <summary>How many lines were complaints about pictures.</summary>
    public long Complaints { get; private set; }

    /// <summary>Takes a line of standard error.</summary>
    /// <returns>The verdict about the next picture that is handed out, when the line announces one.</returns>
    public FrameIntegrity? Take(string line)
    {
        if (line.Contains(FfmpegCommand.Decoded, StringComparison.Ordinal))
        {
            if (IsPicture(line)) Decoded(line.Contains("iskey:1", StringComparison.Ordinal));
            return null;
        }
        if (line.Contains(FfmpegCommand.Given, StringComparison.Ordinal))
            return IsPicture(line) ? _isDirty ? FrameIntegrity.Damaged : FrameIntegrity.Intact : null;
        var isError = line.Contains("[error]", StringComparison.Ordinal) || line.Contains("[fatal]", StringComparison.Ordinal);
        if (isError) LastError = line;
        if (IsComplaint(line, isError)) (_isDirty, _quiet, Complaints) = (true, 0, Complaints + 1);
        return null;
    }

    private void Decoded(bool isKey)
    {
        _hasDecoded = true;
        if (isKey && _quiet >= QuietPictures) _isDirty = false;
        _quiet = Math.Min(_quiet + 1, QuietPictures);
    }

    private bool IsComplaint(string line, bool isError)
    {
        // What it conceals is told as information.
        if (line.Contains("concealing", StringComparison.Ordinal)) return true;
        if (!isError && !line.Contains("[warning]", StringComparison.Ordinal)) return false;
        if (Harmless.Any(word => line.Contains(word, StringComparison.Ordinal))) return false;
        return _hasDecoded || !BeforeFirst.Any(word => line.Contains(word, StringComparison.Ordinal));
    }

    /// <summary>The filters also write lines about their settings and about what lies beside a picture.</summary>
    private static bool IsPicture(string line) => line.Contains("] n:", StringComparison.Ordinal);
}

using System.Globalization;
using System.Text.RegularExpressions;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>What ffmpeg says about the pictures that it hands out, line by line, as verdicts in the order of the pictures.</summary>
/// <remarks>
/// Not thread-safe. ffmpeg conceals what it could not decode and hands the picture out as if it were good; only its standard error tells. After a complaint all
/// pictures are damaged until a key frame comes about which, and about the few pictures before which, there was none: newer versions decode and filter in
/// different threads, so that a complaint may be some pictures early.
/// </remarks>
internal sealed partial class FfmpegComplaints
{
    private const int QuietPictures = 4, KeyFramesSeen = 4;

    // A stream's own clock that jumps further tells nothing.
    private const double LongestInterval = 600;

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
    private string? _size;
    private double? _now, _key;
    private readonly Queue<double> _intervals = new();

    /// <summary>The last line that told of an error, for the reason of an end; empty when there was none.</summary>
    public string LastError { get; private set; } = "";

    /// <summary>How many lines were complaints about pictures.</summary>
    public long Complaints { get; private set; }

    /// <summary>Sizes before and after it changed, as <c>640x480</c>; null while it did not.</summary>
    public (string Before, string Now)? SizeChange { get; private set; }

    /// <summary>
    /// What lies between two key frames by the stream's own clock: the longest of the last ones, or since the last one if that is more; null before the first.
    /// </summary>
    public TimeSpan? BetweenKeyFrames =>
        _now is { } now && _key is { } key ? TimeSpan.FromSeconds(_intervals.Append(now - key).Max()) : null;

    /// <summary>Takes a line of standard error.</summary>
    /// <returns>The verdict about the next picture that is handed out, when the line announces one.</returns>
    public FrameIntegrity? Take(string line)
    {
        if (line.Contains(FfmpegCommand.Decoded, StringComparison.Ordinal))
        {
            if (IsPicture(line)) Decoded(line, line.Contains("iskey:1", StringComparison.Ordinal));
            return null;
        }
        if (line.Contains(FfmpegCommand.Given, StringComparison.Ordinal))
            return IsPicture(line) ? _isDirty ? FrameIntegrity.Damaged : FrameIntegrity.Intact : null;
        var isError = line.Contains("[error]", StringComparison.Ordinal) || line.Contains("[fatal]", StringComparison.Ordinal);
        if (isError) LastError = line;
        if (IsComplaint(line, isError)) (_isDirty, _quiet, Complaints) = (true, 0, Complaints + 1);
        return null;
    }

    private void Decoded(string line, bool isKey)
    {
        Measure(line, isKey);
        _hasDecoded = true;
        if (isKey && _quiet >= QuietPictures) _isDirty = false;
        _quiet = Math.Min(_quiet + 1, QuietPictures);
    }

    private void Measure(string line, bool isKey)
    {
        if (Size().Match(line) is { Success: true } size)
        {
            if (_size is { } before && before != size.Groups[1].Value) SizeChange = (before, size.Groups[1].Value);
            _size = size.Groups[1].Value;
        }
        if (!double.TryParse(Time().Match(line).Groups[1].ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out var now)) return;
        // A clock that begins anew, or jumps: what was known of it is past.
        if (_now is { } last && now - last is < 0 or > LongestInterval) (_key, _now) = (null, null);
        if (isKey && _key is { } key)
        {
            _intervals.Enqueue(now - key);
            if (_intervals.Count > KeyFramesSeen) _intervals.Dequeue();
        }
        (_now, _key) = (now, isKey ? now : _key);
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

    [GeneratedRegex(@" s:(\d{1,5}x\d{1,5}) ")]
    private static partial Regex Size();

    [GeneratedRegex(@" pts_time:(-?\d{1,12}(?:\.\d{1,9})?) ")]
    private static partial Regex Time();
}

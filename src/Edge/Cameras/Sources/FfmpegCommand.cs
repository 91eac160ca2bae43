using System.Globalization;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>How ffmpeg is called: arguments, which anybody on the machine can read, and what it is told on its standard input, which nobody can.</summary>
/// <param name="Arguments">Without the program.</param>
/// <param name="Input">For its standard input; null for nothing.</param>
internal sealed record FfmpegCommand(IReadOnlyList<string> Arguments, string? Input)
{
    /// <summary>Name of the filter that says of every decoded picture whether it is a key frame.</summary>
    public const string Decoded = "showinfo@decoded";

    /// <summary>Name of the filter that says of every picture that is handed out that it comes next.</summary>
    public const string Given = "showinfo@given";

    // Half a second of looking at the stream; the default takes five until the first picture.
    private const string AnalyseMicroseconds = "500000";

    /// <summary>A stream of an IP camera, over TCP.</summary>
    /// <param name="address">Without user and password.</param>
    /// <param name="user">Null for nobody.</param>
    /// <param name="password">Null for none.</param>
    /// <param name="pace">How many pictures. ffmpeg's own time limit is four times its patience: it ends a run whose daemon is gone.</param>
    public static FfmpegCommand Rtsp(Uri address, string? user, string? password, SourcePace pace)
    {
        var secret = user is null ? "" : $"{Uri.EscapeDataString(user)}:{Uri.EscapeDataString(password ?? "")}@";
        var full = $"{address.Scheme}://{secret}{address.Authority}{address.PathAndQuery}";
        var protocols = address.Scheme == "rtsps" ? "pipe,tcp,udp,rtp,rtsp,tls,crypto" : "pipe,tcp,udp,rtp,rtsp";
        // An ffconcat list: a quote in a quoted word is written '\''.
        var input = string.Create(CultureInfo.InvariantCulture, $"""
            ffconcat version 1.0
            file '{full.Replace("'", "'\\''", StringComparison.Ordinal)}'
            option rtsp_transport tcp
            option timeout {(long)(4 * pace.Patience.TotalMicroseconds)}
            option analyzeduration {AnalyseMicroseconds}
            option fflags nobuffer

            """).ReplaceLineEndings("\n");
        return new FfmpegCommand([.. Before, "-f", "concat", "-safe", "0", "-protocol_whitelist", protocols, "-i", "pipe:0", .. After(pace)], input);
    }

    /// <summary>A camera at this machine.</summary>
    public static FfmpegCommand Usb(string device, SourcePace pace) =>
        new([.. Before, "-protocol_whitelist", "file", "-f", "v4l2", "-i", device, .. After(pace)], null);

    /// <summary>A video, as fast as it was recorded.</summary>
    public static FfmpegCommand Video(string file, SourcePace pace) =>
        new([.. Before, "-re", "-protocol_whitelist", "file", "-i", $"file:{file}", .. After(pace)], null);

    // One thread: then what the decoder complains of stands before the line of the picture that it is about.
    private static IEnumerable<string> Before => ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "repeat+level+info", "-threads", "1"];

    /// <summary>Pictures are left out and never made up, whatever the stream says of its times; each is a JPEG of its own.</summary>
    private static IEnumerable<string> After(SourcePace pace)
    {
        var interval = (pace.Interval.TotalSeconds * 0.98).ToString("0.####", CultureInfo.InvariantCulture);
        var filters = $"{Decoded}=checksum=0,select='isnan(prev_selected_t)+gte(abs(t-prev_selected_t),{interval})',{Given}=checksum=0";
        return ["-an", "-sn", "-dn", "-vf", filters, "-fps_mode", "passthrough", "-f", "image2pipe", "-c:v", "mjpeg", "-q:v", "2", "pipe:1"];
    }
}

using System.Text.RegularExpressions;
using Vlm.Edge.Messages;
using Vlm.Edge.Scenes;
using Vlm.Hosting;

namespace Vlm.Edge.Cameras;

/// <summary>What kind of source a camera has. Also a value of the state, in snake case.</summary>
internal enum SourceKind
{
    /// <summary>The newest picture of a folder.</summary>
    Folder,

    /// <summary>A picture or a video.</summary>
    File,

    /// <summary>A picture at an address, fetched again and again.</summary>
    Snapshot,

    /// <summary>A stream of JPEGs over HTTP.</summary>
    Mjpeg,

    /// <summary>Pictures that are posted to the daemon.</summary>
    Push,

    /// <summary>A stream of an IP camera, through ffmpeg.</summary>
    Rtsp,

    /// <summary>A camera at this machine, through ffmpeg.</summary>
    Usb,
}

/// <summary>One camera: exactly one of <see cref="Folder"/> to <see cref="Usb"/> says where its pictures come from.</summary>
internal sealed partial record CameraOptions
{
    /// <summary>Name in addresses, metrics and messages: small letters, digits and -, up to 40; must be unique.</summary>
    public string Name { get; init; } = "";

    /// <summary>A folder to which pictures are written; the newest is what the camera sees.</summary>
    public string? Folder { get; init; }

    /// <summary>A picture, read again when it changes, or a video, played again and again.</summary>
    public string? File { get; init; }

    /// <summary>Address of a picture, http or https.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Address of a stream of JPEGs (multipart/x-mixed-replace), http or https.</summary>
    public string? Mjpeg { get; init; }

    /// <summary>True: pictures are posted to <c>/api/v1/cameras/NAME/frames</c>.</summary>
    public bool Push { get; init; }

    /// <summary>Address of a stream, rtsp or rtsps.</summary>
    public string? Rtsp { get; init; }

    /// <summary>A camera at this machine by its name under /dev/v4l/by-id or by-path, as <c>camera list</c> shows it; a number where there is one.</summary>
    public string? Usb { get; init; }

    /// <summary>Who asks the camera; null (the default) for nobody.</summary>
    public string? User { get; init; }

    /// <summary>File that holds the password, read at every opening.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>Environment variable that holds it.</summary>
    public string? PasswordVariable { get; init; }

    /// <summary>File with the certificate authorities that an https camera is trusted by, instead of the system's; null (the default) for those.</summary>
    public string? CaFile { get; init; }

    /// <summary>Pictures a second that are asked for; 0.01 to 30; 2 by default. A pushing camera decides itself.</summary>
    public double FramesPerSecond { get; init; } = 2;

    /// <summary>Seconds without an intact picture after which the camera is offline; 1 to 86,400. Null (the default): 10, or three times what is between two
    /// pictures if that is more; 60 for a pushing camera.</summary>
    public double? OfflineSeconds { get; init; }

    /// <summary>
    /// Seconds in which not one pixel changes, after which a live camera is frozen; 0 (never) to 86,400. Null (the default): three times what lies between two
    /// key frames of its stream, which repeat pixels exactly between them, and at least 10; 30 where that is not known.
    /// </summary>
    public double? FrozenSeconds { get; init; }

    /// <summary>Largest picture file in bytes; 1,024 to 64 MiB; 8 MiB by default.</summary>
    public int MaxBytes { get; init; } = 8 << 20;

    /// <summary>What of its pictures is used: turned, cut, covered.</summary>
    public ViewOptions View { get; init; } = new();

    /// <summary>When its pictures are looked at.</summary>
    public LookOptions Look { get; init; } = new();

    /// <summary>Where the message comes from that its sheets are read with; null (the default) for nowhere: then its pictures are not read.</summary>
    public MessageOptions? Message { get; init; }

    /// <summary>Where pictures come from. One of the settings must be given.</summary>
    public SourceKind Kind => Sources().Where(source => source.Value is not null).Select(source => source.Kind).Single();

    /// <summary>Between two pictures.</summary>
    public TimeSpan Interval => TimeSpan.FromSeconds(1 / FramesPerSecond);

    /// <summary>So old may the newest intact picture of a camera be that is online.</summary>
    public TimeSpan OfflineAfter => TimeSpan.FromSeconds(OfflineSeconds ?? (Push ? 60 : Math.Max(10, 3 / FramesPerSecond)));

    /// <summary>So long may no pixel change, where nothing is known of key frames; null for ever.</summary>
    public TimeSpan? FrozenAfter => FrozenSeconds is 0 ? null : TimeSpan.FromSeconds(FrozenSeconds ?? 30);

    /// <summary>Address, path or name of the source, for people: of an address nothing behind its path, where cameras expect passwords, too.</summary>
    public string Place
    {
        get
        {
            var place = Sources().Select(source => source.Value).FirstOrDefault(value => value is not null) ?? "";
            var isAddress = (Snapshot ?? Mjpeg ?? Rtsp) is not null && Uri.TryCreate(place, UriKind.Absolute, out _);
            return isAddress ? new Uri(place).GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped) : place;
        }
    }

    /// <summary>The password as it is now; null when none is configured.</summary>
    /// <exception cref="SourceException">It cannot be read, or is empty.</exception>
    public string? ReadPassword()
    {
        if (PasswordFile is null && PasswordVariable is null) return null;
        try
        {
            var password = PasswordFile is { } file ? System.IO.File.ReadAllText(file).Trim() : Environment.GetEnvironmentVariable(PasswordVariable!);
            if (!string.IsNullOrEmpty(password)) return password;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException(CameraReason.NoPassword, $"password_file: '{PasswordFile}' cannot be read: {e.Message}", e);
        }
        throw new SourceException(CameraReason.NoPassword, PasswordFile is null
            ? $"password_variable: the environment variable {PasswordVariable} is not set."
            : $"password_file: '{PasswordFile}' is empty.");
    }

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (!CameraName().IsMatch(Name)) yield return $"name: expected small letters, digits and -, at most 40, found '{Name}'";
        var given = Sources().Where(source => source.Value is not null).ToArray();
        if (given.Length != 1)
        {
            yield return $"expected one of {string.Join(", ", Sources().Select(source => source.Kind.ToString().ToLowerInvariant()))}, found "
                + (given.Length == 0 ? "none" : string.Join(" and ", given.Select(source => source.Kind.ToString().ToLowerInvariant())));
        }
        foreach (var (kind, value) in given)
        {
            if (AddressProblem(kind, value!) is { } problem) yield return $"{kind.ToString().ToLowerInvariant()}: {problem}";
        }
        foreach (var problem in PasswordProblems().Concat(AuthorityProblems())) yield return problem;
        // Sections that are named and left empty.
        foreach (var problem in Check.Section("view", View?.Problems() ?? ["expected settings, found nothing"])) yield return problem;
        foreach (var problem in Check.Section("look", Look?.Problems() ?? ["expected settings, found nothing"])) yield return problem;
        foreach (var problem in Check.Section("message", Message?.Problems() ?? [])) yield return problem;
        var ranges = Check.Ranges(("frames_per_second", FramesPerSecond, 0.01, 30), ("offline_seconds", OfflineSeconds ?? 10, 1, 86_400),
            ("frozen_seconds", FrozenSeconds ?? 30, 0, 86_400), ("max_bytes", MaxBytes, 1024, 64 << 20));
        foreach (var problem in ranges) yield return problem;
    }

    private (SourceKind Kind, string? Value)[] Sources() =>
    [
        (SourceKind.Folder, Folder), (SourceKind.File, File), (SourceKind.Snapshot, Snapshot), (SourceKind.Mjpeg, Mjpeg),
        (SourceKind.Push, Push ? "pushed" : null), (SourceKind.Rtsp, Rtsp), (SourceKind.Usb, Usb),
    ];

    private IEnumerable<string> PasswordProblems()
    {
        if (PasswordFile is { } file && !System.IO.File.Exists(file)) yield return $"password_file: there is no file '{file}'";
        if (PasswordFile is not null && PasswordVariable is not null) yield return "expected one of password_file and password_variable, found both";
        if (User is null && (PasswordFile ?? PasswordVariable) is not null) yield return "user: a password is given, and nobody whose it is";
    }

    private IEnumerable<string> AuthorityProblems()
    {
        if (CaFile is not { } file) yield break;
        if (!System.IO.File.Exists(file)) yield return $"ca_file: there is no file '{file}'";
        if ((Snapshot ?? Mjpeg) is not { } address || !address.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
            yield return "ca_file: expected a snapshot or mjpeg at an https address; ffmpeg cannot check the certificates of rtsps";
    }

    private static string? AddressProblem(SourceKind kind, string value)
    {
        string[] schemes = kind switch
        {
            SourceKind.Snapshot or SourceKind.Mjpeg => ["http", "https"],
            SourceKind.Rtsp => ["rtsp", "rtsps"],
            _ => [],
        };
        if (string.IsNullOrWhiteSpace(value)) return "expected a value, found nothing";
        if (schemes.Length == 0) return null;
        if (!Uri.TryCreate(value, UriKind.Absolute, out var uri) || !schemes.Contains(uri.Scheme))
            return $"expected an address such as {schemes[0]}://camera.local/picture, found '{value}'";
        // Not repeated in the message: it is a secret.
        return uri.UserInfo.Length > 0 ? "a user or password stands in the address; use user and password_file or password_variable" : null;
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,39}$")]
    private static partial Regex CameraName();
}

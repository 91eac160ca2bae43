using System.Security.Cryptography;
using Vlm.Hosting;

namespace Vlm.Edge.Storage;

/// <summary>Which pictures are kept for people to look at.</summary>
internal enum KeptPictures
{
    /// <summary>None.</summary>
    None,

    /// <summary>Those whose answer the box does not vouch for.</summary>
    Doubtful,

    /// <summary>All of them.</summary>
    All,
}

/// <summary>How many pictures are kept, and how long.</summary>
internal sealed record PictureShelfOptions
{
    /// <summary>Which; doubtful by default.</summary>
    public KeptPictures Keep { get; init; } = KeptPictures.Doubtful;

    /// <summary>Days that a picture is kept; above 0, at most 3,650; 7 by default.</summary>
    public double Days { get; init; } = 7;

    /// <summary>Bytes of all of them; 1 MiB to 1 TiB; 256 MiB by default. The oldest goes first.</summary>
    public long MaxBytes { get; init; } = 256L << 20;

    /// <summary>Bytes of the disk that are left free for everything else; 0 to 1 TiB; 256 MiB by default. With less no picture is kept.</summary>
    public long ReserveBytes { get; init; } = 256L << 20;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (Days is not (> 0 and <= 3650)) yield return $"days: expected above 0, at most 3650, found {Days}";
        foreach (var problem in Check.Ranges(("max_bytes", MaxBytes, 1 << 20, 1L << 40), ("reserve_bytes", ReserveBytes, 0, 1L << 40))) yield return problem;
    }
}

/// <summary>Pictures that were asked about, as they came, named by their SHA-256; bounded by days, bytes and free disk, the oldest goes first.</summary>
/// <remarks>Thread-safe. A picture that cannot be kept is not kept: it keeps no answer from being given.</remarks>
internal sealed class PictureShelf
{
    private const int LookEvery = 100;
    private const int NameLength = 64;
    private readonly Lock _lock = new();
    private readonly PictureShelfOptions _options;
    private readonly TimeProvider _clock;
    private readonly string _folder;
    private long _bytes;
    private int _kept;

    /// <param name="folder">Made when absent.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="clock">For their age.</param>
    public PictureShelf(string folder, PictureShelfOptions options, TimeProvider clock)
    {
        (_folder, _options, _clock) = (folder, options, clock);
        Try(() =>
        {
            foreach (var half in Directory.Exists(folder) ? Directory.GetFiles(folder, "*.tmp") : []) File.Delete(half);
            Prune();
            return "";
        });
    }

    /// <summary>Which are kept.</summary>
    public KeptPictures Which => _options.Keep;

    /// <summary>Keeps a picture.</summary>
    /// <returns>Its name; null when it could not be kept.</returns>
    public string? Keep(byte[] file) => Try(() =>
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(file));
        var path = Path.Combine(_folder, name);
        if (File.Exists(path)) return name;
        PrivateFiles.MakeFolder(_folder);
        if (file.Length > _options.MaxBytes || new DriveInfo(Path.GetFullPath(_folder)).AvailableFreeSpace - file.Length < _options.ReserveBytes) return null;
        // Not synchronised: a power cut may take the last ones.
        File.WriteAllBytes(path + ".tmp", file);
        File.SetLastWriteTimeUtc(path + ".tmp", _clock.GetUtcNow().UtcDateTime);
        File.Move(path + ".tmp", path, overwrite: true);
        _bytes += file.Length;
        if (_bytes > _options.MaxBytes || ++_kept % LookEvery == 0) Prune();
        return name;
    });

    /// <summary>Whether there is a picture of this name.</summary>
    public bool Has(string name) => IsName(name) && File.Exists(Path.Combine(_folder, name));

    /// <summary>A picture by its name; null when it is not there.</summary>
    public byte[]? Find(string name)
    {
        if (!IsName(name)) return null;
        try
        {
            return File.ReadAllBytes(Path.Combine(_folder, name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsName(string name) => name.Length == NameLength && name.All(char.IsAsciiHexDigitLower);

    /// <summary>What is too old goes, then the oldest until a tenth of the room is free, so that this is seldom.</summary>
    private void Prune()
    {
        var files = new DirectoryInfo(_folder) is { Exists: true } folder ? folder.GetFiles() : [];
        _bytes = files.Sum(file => file.Length);
        var oldest = _clock.GetUtcNow().UtcDateTime - TimeSpan.FromDays(_options.Days);
        var least = _bytes > _options.MaxBytes ? _options.MaxBytes / 10 * 9 : _options.MaxBytes;
        foreach (var file in files.OrderBy(file => file.LastWriteTimeUtc).TakeWhile(file => file.LastWriteTimeUtc < oldest || _bytes > least))
        {
            _bytes -= file.Length;
            file.Delete();
        }
    }

    private string? Try(Func<string?> work)
    {
        lock (_lock)
        {
            try
            {
                return work();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }
}

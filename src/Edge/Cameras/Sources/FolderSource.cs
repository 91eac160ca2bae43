using System.Runtime.CompilerServices;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>
/// The newest picture of a folder, such as one to which a camera uploads; or one file. It is what the camera sees until there is a newer one.
/// </summary>
/// <param name="path">The folder, or a picture file.</param>
/// <param name="pace">How often to look, and how large a picture may be.</param>
/// <param name="clock">Paces it.</param>
/// <remarks>
/// A file counts once its size and time were the same at two looks, so that nothing half written is read. Of those that came between two looks only the newest
/// is seen: a pile of pictures is the work of the verb <c>solve</c>.
/// </remarks>
internal sealed class FolderSource(string path, SourcePace pace, TimeProvider clock) : IFrameSource
{
    private static readonly string[] Kinds = [".jpg", ".jpeg", ".png", ".webp", ".bmp"];

    /// <inheritdoc/>
    public Liveness Liveness => Liveness.Still;

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourcePicture?> Pictures([EnumeratorCancellation] CancellationToken stop)
    {
        Entry? before = null, shown = null;
        SourcePicture? picture = null;
        while (!stop.IsCancellationRequested)
        {
            var newest = Newest();
            if (newest is null) (shown, picture) = (null, null);
            else if (newest == before && newest != shown) (shown, picture) = (newest, Read(newest));
            before = newest;
            yield return picture;
            await Task.Delay(pace.Interval, clock, stop);
        }
    }

    /// <summary>The newest picture that is there, by its time and then by its name; null when there is none.</summary>
    private Entry? Newest()
    {
        try
        {
            return Files().Where(file => file.Length > 0)
                .Select(file => new Entry(file.FullName, file.Length, file.LastWriteTimeUtc))
                .MaxBy(entry => (entry.Written, entry.Path), Comparer<(DateTime Written, string Path)>.Create((a, b) =>
                    a.Written != b.Written ? a.Written.CompareTo(b.Written) : string.CompareOrdinal(a.Path, b.Path)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException(CameraReason.Unreadable, $"'{path}' cannot be looked at: {e.Message}", e);
        }
    }

    private IEnumerable<FileInfo> Files()
    {
        if (Directory.Exists(path))
            return new DirectoryInfo(path).EnumerateFiles().Where(file => Kinds.Contains(file.Extension, StringComparer.OrdinalIgnoreCase));
        return new FileInfo(path) is { Exists: true } only
            ? [only]
            : throw new SourceException(CameraReason.Unreadable, $"There is no folder or file '{path}'.");
    }

    /// <returns>Null when it is gone again.</returns>
    private SourcePicture? Read(Entry entry)
    {
        if (entry.Bytes > pace.MaxBytes)
            throw new SourceException(CameraReason.TooLarge, $"'{entry.Path}' has {entry.Bytes} bytes; max_bytes allows {pace.MaxBytes}.");
        try
        {
            return PictureCheck.Of(File.ReadAllBytes(entry.Path));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException(CameraReason.Unreadable, $"'{entry.Path}' cannot be read: {e.Message}", e);
        }
    }

    private sealed record Entry(string Path, long Bytes, DateTime Written);
}

using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>Pictures that somebody posts to the daemon. Thread-safe; holds one picture, the newest.</summary>
internal sealed class PushSource : IFrameSource
{
    private readonly Channel<SourcePicture> _posted =
        Channel.CreateBounded<SourcePicture>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    /// <inheritdoc/>
    public Liveness Liveness => Liveness.Repeating;

    /// <summary>Takes a picture.</summary>
    /// <returns>Whether it is whole.</returns>
    /// <exception cref="SourceException">It is none.</exception>
    public FrameIntegrity Post(ReadOnlyMemory<byte> file)
    {
        var picture = PictureCheck.Of(file);
        _posted.Writer.TryWrite(picture);
        return picture.Integrity;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourcePicture?> Pictures([EnumeratorCancellation] CancellationToken stop)
    {
        await foreach (var picture in _posted.Reader.ReadAllAsync(stop)) yield return picture;
    }
}

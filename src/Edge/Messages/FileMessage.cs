namespace Vlm.Edge.Messages;

/// <summary>The message in a text file; looked at once a second, read when it changed.</summary>
internal sealed class FileMessage(string path, TimeProvider clock) : IMessageSource
{
    private const int LongestFile = 4096;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private (DateTime Written, long Length) _stamp;
    private MessageNow? _known;
    private long _looked;

    public MessageNow Now
    {
        get
        {
            lock (_lock)
            {
                if (_known is not null && clock.GetElapsedTime(_looked) < Every) return _known;
                _looked = clock.GetTimestamp();
                return _known = Look();
            }
        }
    }

    private MessageNow Look()
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists) return MessageNow.None;
            var stamp = (file.LastWriteTimeUtc, file.Length);
            if (_known is { Problem: null } && stamp == _stamp) return _known;
            _stamp = stamp;
            return file.Length > LongestFile
                ? new MessageNow(null, $"The file '{path}' has {file.Length} bytes; a message has at most {LongestFile}.")
                : MessageNow.Of(File.ReadAllText(path), $"The file '{path}'");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new MessageNow(null, $"The file '{path}' cannot be read: {e.Message}");
        }
    }
}

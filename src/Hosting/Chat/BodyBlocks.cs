using System.Buffers;
using Vlm.Hosting.Http;

namespace Vlm.Hosting.Chat;

/// <summary>A body in blocks, as it came: nothing large is taken before its end is here, and none of it is copied but what is asked for.</summary>
/// <remarks>Not thread-safe. Disposed it is empty, and its blocks are used again.</remarks>
public sealed class BodyBlocks : IDisposable
{
    // Below what the collector counts as large: what is not used again is gone soon.
    private const int Size = 64 << 10;
    private readonly List<byte[]> _blocks = [];

    private BodyBlocks()
    {
    }

    /// <summary>Bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Reads a stream to its end.</summary>
    /// <param name="body">The stream.</param>
    /// <param name="share">Counts what it takes.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="ApiException">There is no memory for it.</exception>
    public static async Task<BodyBlocks> ReadAsync(Stream body, BodyMemory.Share share, CancellationToken cancellation)
    {
        var blocks = new BodyBlocks();
        try
        {
            while (true)
            {
                var at = blocks.Length % Size;
                if (blocks.Length == blocks._blocks.Count * Size) blocks._blocks.Add(ArrayPool<byte>.Shared.Rent(Size));
                var read = await body.ReadAsync(blocks._blocks[^1].AsMemory(at, Size - at), cancellation);
                if (read == 0) return blocks;
                share.Add(read);
                blocks.Length += read;
            }
        }
        catch
        {
            blocks.Dispose();
            throw;
        }
    }

    /// <summary>A part of it.</summary>
    /// <param name="from">Where it begins.</param>
    /// <param name="length">Its length.</param>
    public byte[] Copy(int from, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - from);
        var copy = GC.AllocateUninitializedArray<byte>(length);
        CopyTo(from, copy);
        return copy;
    }

    /// <summary>It as a stream; to be read before it is disposed.</summary>
    public Stream Open() => new BlockStream(this);

    /// <summary>Gives the blocks back.</summary>
    public void Dispose()
    {
        foreach (var block in _blocks) ArrayPool<byte>.Shared.Return(block);
        _blocks.Clear();
        Length = 0;
    }

    private void CopyTo(int from, Span<byte> to)
    {
        while (to.Length > 0)
        {
            var part = _blocks[from / Size].AsSpan(from % Size);
            if (part.Length > Size - (from % Size)) part = part[..(Size - (from % Size))];
            if (part.Length > to.Length) part = part[..to.Length];
            part.CopyTo(to);
            from += part.Length;
            to = to[part.Length..];
        }
    }

    private sealed class BlockStream(BodyBlocks body) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => body.Length;

        public override long Position
        {
            get => _at;
            set => _at = (int)Math.Clamp(value, 0, body.Length);
        }

        public override int Read(Span<byte> buffer)
        {
            var length = Math.Min(buffer.Length, body.Length - _at);
            body.CopyTo(_at, buffer[..length]);
            _at += length;
            return length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            Task.FromResult(Read(buffer.AsSpan(offset, count)));

        public override long Seek(long offset, SeekOrigin origin)
        {
            var from = origin switch
            {
                SeekOrigin.Current => _at,
                SeekOrigin.End => body.Length,
                _ => 0,
            };
            return Position = from + offset;
        }

        public override void Flush()
        {
            // Nothing is written.
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

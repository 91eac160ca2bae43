namespace Vlm.Export.Onnx;

/// <summary>Writes to another stream and says how much: for progress, and to end a write of minutes between two pieces.</summary>
/// <param name="target">Where the bytes go. Not disposed.</param>
/// <param name="written">Hears of bytes; may throw.</param>
internal sealed class ReportingStream(Stream target, Action<int>? written) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => target.Length;

    public override long Position { get => target.Position; set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        target.Write(buffer);
        written?.Invoke(buffer.Length);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => target.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

using System.Globalization;
using System.Text;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>The parts of a <c>multipart/x-mixed-replace</c> stream, cut out as their bytes come in.</summary>
/// <remarks>
/// Not thread-safe. Holds at most one part and one reading of bytes. A JPEG ends at its end mark, before the next boundary is here: that comes with the next
/// picture. What another part says of its length is believed only when a boundary follows there; else the next boundary ends it. Boundaries with and without
/// their dashes are found, as cameras announce them both ways.
/// </remarks>
internal sealed class MixedParts
{
    private const int MostHeader = 8 << 10;
    private const string LengthHeader = "content-length:";
    private readonly byte[] _boundary;
    private readonly int _maxBytes;
    private byte[] _buffer = new byte[64 << 10];
    private int _start, _end;
    private bool _isInside;
    private int _announced = -1;

    /// <param name="boundary">As the stream announces it.</param>
    /// <param name="maxBytes">Of one part.</param>
    /// <exception cref="SourceException">No boundary is announced.</exception>
    public MixedParts(string? boundary, int maxBytes)
    {
        var name = boundary?.Trim().Trim('"').TrimStart('-') ?? "";
        if (name.Length is 0 or > 200)
            throw new SourceException(CameraReason.NotAPicture, "The stream does not say what stands between its pictures (boundary). Is it an MJPEG stream?");
        // The dashes before it are part of what is cut away below.
        (_boundary, _maxBytes) = (Encoding.Latin1.GetBytes("--" + name), maxBytes);
    }

    /// <summary>Takes bytes that came.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (_start > 0 && _buffer.Length - _end < bytes.Length)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_buffer.Length - _end < bytes.Length) Array.Resize(ref _buffer, Math.Max(2 * _buffer.Length, _end + bytes.Length));
        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>The next part that is here whole; null when more bytes are needed. Empty parts are left out.</summary>
    /// <exception cref="SourceException">A part, or what stands before it, is longer than is allowed.</exception>
    public byte[]? Next()
    {
        while (_isInside || Enter())
        {
            var (length, next) = FindEnd();
            if (length < 0)
            {
                if (Held.Length <= _maxBytes + MostHeader) return null;
                throw TooLarge($"A picture of the stream has more than {_maxBytes} bytes, which is what max_bytes allows.");
            }
            var part = Held[..length].ToArray();
            _start += next;
            (_isInside, _announced) = (false, -1);
            if (part.Length > _maxBytes) throw TooLarge($"A picture of the stream has {part.Length} bytes; max_bytes allows {_maxBytes}.");
            if (part.Length > 0) return part;
        }
        return null;
    }

    private ReadOnlySpan<byte> Held => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Goes behind the boundary and the headers of the next part.</summary>
    private bool Enter()
    {
        var at = Held.IndexOf(_boundary);
        if (at < 0)
        {
            if (Held.Length > _maxBytes) throw TooLarge($"No picture begins within {_maxBytes} bytes of the stream.");
            return false;
        }
        var headers = Held[(at + _boundary.Length)..];
        var (length, skip) = HeaderEnd(headers);
        if (length < 0)
        {
            if (headers.Length > MostHeader) throw TooLarge($"What stands before a picture has more than {MostHeader} bytes.");
            return false;
        }
        _announced = Announced(Encoding.Latin1.GetString(headers[..length]));
        _start += at + _boundary.Length + length + skip;
        _isInside = true;
        return true;
    }

    /// <summary>Where the empty line after the headers is, and how long.</summary>
    private static (int Length, int Skip) HeaderEnd(ReadOnlySpan<byte> headers)
    {
        var (strict, loose) = (headers.IndexOf("\r\n\r\n"u8), headers.IndexOf("\n\n"u8));
        if (strict >= 0 && (loose < 0 || strict < loose)) return (strict, 4);
        return loose >= 0 ? (loose, 2) : (-1, 0);
    }

    private static int Announced(string headers)
    {
        foreach (var line in headers.Split('\n'))
        {
            if (!line.StartsWith(LengthHeader, StringComparison.OrdinalIgnoreCase)) continue;
            return int.TryParse(line.AsSpan(LengthHeader.Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : -1;
        }
        return -1;
    }

    /// <summary>The length of the part that begins here, and where to go on; -1 when its end is not here.</summary>
    private (int Length, int Next) FindEnd()
    {
        if (JpegShape.Measure(Held) is > 0 and var whole) return (whole, whole);
        if (_announced >= 0 && _announced <= Held.Length)
        {
            var rest = Held[_announced..].TrimStart("\r\n"u8);
            if (rest.StartsWith(_boundary)) return (_announced, _announced);
            // The next boundary may be on its way.
            if (rest.Length < _boundary.Length && _boundary.AsSpan().StartsWith(rest)) return (-1, 0);
        }
        var found = Held.IndexOf(_boundary);
        if (found < 0) return (-1, 0);
        var part = Held[..found];
        if (part.EndsWith("\r\n"u8)) part = part[..^2];
        else if (part.EndsWith("\n"u8)) part = part[..^1];
        return (part.Length, found);
    }

    private static SourceException TooLarge(string message) => new(CameraReason.TooLarge, message);
}

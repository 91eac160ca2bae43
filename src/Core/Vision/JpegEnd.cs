using System.Buffers.Binary;

namespace Vlm.Vision;

/// <summary>Whether a JPEG file reaches its end.</summary>
/// <remarks>
/// The decoder takes a progressive picture whose later scans are missing for a finished one, only blurred, and fills the last block of a cut-off picture
/// with grey: letters that cannot be read, and no error.
/// </remarks>
/// <param name="IsReached">Whether the end mark of the first picture is there; what comes after it does not matter.</param>
/// <param name="HasAllScans">Whether the scans that have begun hold every coefficient of every colour to its last bit.</param>
internal readonly record struct JpegEnd(bool IsReached, bool HasAllScans)
{
    private const byte Mark = 0xFF, EndOfImage = 0xD9, StartOfScan = 0xDA, FirstRestart = 0xD0, LastRestart = 0xD7;
    private const int FrameHeader = 6, Coefficients = 64;

    private static ReadOnlySpan<byte> EndMark => [Mark, EndOfImage];

    /// <summary>Follows the segments from the start on.</summary>
    public static JpegEnd Find(ReadOnlySpan<byte> file)
    {
        // By colour and coefficient: the lowest bit that has come, and a high number while none has.
        var bits = new Dictionary<byte, byte[]>();
        // After the two bytes that begin every JPEG.
        int at = 2;
        while (at + 1 < file.Length)
        {
            byte kind = file[at + 1];
            if (file[at] != Mark || kind == EndOfImage)
                return new JpegEnd(file[at] == Mark, IsComplete(bits));
            if (kind == Mark)
            {
                // Marks may be preceded by any number of fill bytes.
                at++;
                continue;
            }
            if (at + 4 > file.Length)
                break;
            ReadOnlySpan<byte> segment = file[(at + 4)..Math.Clamp(at + 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]), at + 4, file.Length)];
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (IsFrame(kind))
                ReadColours(segment, bits);
            if (kind != StartOfScan)
                continue;
            ReadScan(segment, bits);
            at = EndOfScan(file, at);
        }
        return new JpegEnd(false, IsComplete(bits));
    }

    /// <summary>The file with its end mark, and so many bytes of the given value before it.</summary>
    public static byte[] Complete(ReadOnlySpan<byte> file, int fill, byte value)
    {
        // Half of an end mark may be there.
        ReadOnlySpan<byte> data = file.TrimEnd(Mark);
        var whole = new byte[data.Length + fill + EndMark.Length];
        data.CopyTo(whole);
        whole.AsSpan(data.Length, fill).Fill(value);
        EndMark.CopyTo(whole.AsSpan(data.Length + fill));
        return whole;
    }

    private static bool IsComplete(Dictionary<byte, byte[]> bits) => bits.Count > 0 && bits.Values.All(lowest => lowest.All(bit => bit == 0));

    /// <summary>SOF0 to SOF15, without the three other marks in that range.</summary>
    private static bool IsFrame(byte kind) => kind is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    private static void ReadColours(ReadOnlySpan<byte> segment, Dictionary<byte, byte[]> bits)
    {
        for (int at = FrameHeader; at < segment.Length; at += 3)
        {
            var lowest = new byte[Coefficients];
            lowest.AsSpan().Fill(byte.MaxValue);
            bits[segment[at]] = lowest;
        }
    }

    /// <summary>Number of colours, two bytes for each, first and last coefficient, and the bits: high nibble before, low nibble after.</summary>
    private static void ReadScan(ReadOnlySpan<byte> segment, Dictionary<byte, byte[]> bits)
    {
        if (segment.IsEmpty || segment.Length < 1 + (2 * segment[0]) + 3)
            return;
        ReadOnlySpan<byte> range = segment[(1 + (2 * segment[0]))..];
        for (int colour = 0; colour < segment[0]; colour++)
        {
            if (!bits.TryGetValue(segment[1 + (2 * colour)], out byte[]? lowest))
                continue;
            for (int coefficient = range[0]; coefficient <= Math.Min((int)range[1], Coefficients - 1); coefficient++)
                lowest[coefficient] = (byte)(range[2] & 0x0F);
        }
    }

    /// <summary>Where the next mark after a scan's data is; within the data a byte of 255 is followed by 0 or by a restart.</summary>
    private static int EndOfScan(ReadOnlySpan<byte> file, int at)
    {
        while (at + 1 < file.Length)
        {
            int found = file[at..].IndexOf(Mark);
            if (found < 0 || at + found + 1 >= file.Length)
                return file.Length;
            at += found;
            if (file[at + 1] is not (0 or (>= FirstRestart and <= LastRestart)))
                return at;
            at += 2;
        }
        return file.Length;
    }
}

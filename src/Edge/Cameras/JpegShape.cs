using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Vlm.Edge.Cameras;

/// <summary>The marks by which a JPEG is told from what stands around it, read without decoding (ITU-T T.81, annex B).</summary>
internal static class JpegShape
{
    /// <summary>It has not ended yet; more bytes may bring the end.</summary>
    public const int Unfinished = -1;

    /// <summary>It is no JPEG, or not one any more.</summary>
    public const int Broken = -2;

    private const byte Mark = 0xFF, StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA, FirstRestart = 0xD0, LastRestart = 0xD7;
    private const byte FirstNote = 0xE0, LastNote = 0xEF, Comment = 0xFE;

    /// <summary>Bytes of the JPEG at the start of a buffer: at least 4, or <see cref="Unfinished"/>, or <see cref="Broken"/>.</summary>
    public static int Measure(ReadOnlySpan<byte> bytes) => Walk(bytes, null);

    /// <summary>Whether a file starts as a JPEG and does not end as one.</summary>
    public static bool IsCutOff(ReadOnlySpan<byte> file) => file is [Mark, StartOfImage, ..] && Measure(file) < 0;

    /// <summary>A JPEG up to its end mark; other files as they are.</summary>
    public static ReadOnlyMemory<byte> WithoutEnd(ReadOnlyMemory<byte> file) => Measure(file.Span) is > 0 and var length ? file[..(length - 2)] : file;

    /// <summary>A number that two pictures share when their pixels are the same to the last bit.</summary>
    /// <remarks>Of a JPEG all that makes pixels counts, and what cameras write beside it, such as the time, does not; of others every byte does.</remarks>
    public static long Fingerprint(ReadOnlySpan<byte> file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (file is not [Mark, StartOfImage, ..] || Walk(file, hash) < 0) hash.AppendData(file);
        Span<byte> sum = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(sum);
        return BinaryPrimitives.ReadInt64LittleEndian(sum);
    }

    private static int Walk(ReadOnlySpan<byte> bytes, IncrementalHash? pixels)
    {
        if (bytes.Length < 2) return bytes.IsEmpty || bytes[0] == Mark ? Unfinished : Broken;
        if (bytes is not [Mark, StartOfImage, ..]) return Broken;
        var at = 2;
        while (at + 1 < bytes.Length)
        {
            if (bytes[at] != Mark) return Broken;
            var kind = bytes[at + 1];
            switch (kind)
            {
                case EndOfImage:
                    return at + 2;
                case Mark:
                    // Marks may be preceded by any number of fill bytes.
                    at++;
                    continue;
                case StartOfImage or 0:
                    return Broken;
            }
            if (at + 4 > bytes.Length) return Unfinished;
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (length < 2) return Broken;
            var next = at + 2 + length;
            if (next > bytes.Length) return Unfinished;
            if (kind == StartOfScan) next = EndOfScan(bytes, next);
            if (kind is not ((>= FirstNote and <= LastNote) or Comment)) pixels?.AppendData(bytes[at..next]);
            at = next;
        }
        return Unfinished;
    }

    /// <summary>Where the next mark after a scan's data is; within the data a byte of 255 is followed by 0 or by a restart.</summary>
    private static int EndOfScan(ReadOnlySpan<byte> bytes, int at)
    {
        while (true)
        {
            var found = bytes[at..].IndexOf(Mark);
            if (found < 0 || at + found + 1 >= bytes.Length) return bytes.Length;
            at += found;
            if (bytes[at + 1] is not (0 or (>= FirstRestart and <= LastRestart))) return at;
            at += 2;
        }
    }
}

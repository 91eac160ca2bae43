using System.Buffers.Binary;

namespace Vlm.Vision;

/// <summary>The orientation in a PNG's eXIf chunk: 1 (upright) to 8, numbered as in EXIF. The decoder reads it of JPEG and WebP, and not of PNG.</summary>
internal static class ExifOrientation
{
    private const int Upright = 1, SignatureBytes = 8, ChunkFrame = 12;
    private const int IfdEntryBytes = 12, Tag = 0x0112, Short = 3;

    private static ReadOnlySpan<byte> ChunkName => "eXIf"u8;

    /// <summary>1 where the file has no such chunk, or one that does not say.</summary>
    public static int OfPng(ReadOnlySpan<byte> file)
    {
        long at = SignatureBytes;
        while (at + ChunkFrame <= file.Length)
        {
            ReadOnlySpan<byte> chunk = file[(int)at..];
            uint length = BinaryPrimitives.ReadUInt32BigEndian(chunk);
            if (length > chunk.Length - ChunkFrame)
                return Upright;
            if (chunk.Slice(4, 4).SequenceEqual(ChunkName))
                return OfTiff(chunk.Slice(8, (int)length));
            at += ChunkFrame + length;
        }
        return Upright;
    }

    /// <summary>EXIF data are a TIFF file: byte order, where the first directory is, and in it a tag with the number.</summary>
    private static int OfTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8 || !(tiff.StartsWith("II*\0"u8) || tiff.StartsWith("MM\0*"u8)))
            return Upright;
        bool isLittle = tiff[0] == (byte)'I';
        uint directory = isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2)
            return Upright;
        int entries = Read(tiff[(int)directory..], isLittle);
        for (ReadOnlySpan<byte> rest = tiff[((int)directory + 2)..]; entries > 0 && rest.Length >= IfdEntryBytes; entries--, rest = rest[IfdEntryBytes..])
        {
            if (Read(rest, isLittle) == Tag && Read(rest[2..], isLittle) == Short)
                return Read(rest[8..], isLittle) is var number and >= 1 and <= 8 ? number : Upright;
        }
        return Upright;
    }

    private static int Read(ReadOnlySpan<byte> bytes, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
}

using System.Buffers.Binary;

namespace Vlm.Vision;

/// <summary>Whether a JPEG file reaches its end.</summary>
/// <remarks>
/// The decoder takes a progressive picture whose later scans are missing for a finished one, only blurred, and fills the last block of a cut-off picture
/// with grey: letters that cannot be read, and no error.
/// </remarks>
internal static class JpegEnd
{
    private const byte Mark = 0xFF, EndOfImage = 0xD9, StartOfScan = 0xDA, FirstRestart = 0xD0, LastRestart = 0xD7;

    /// <summary>Follows the segments from the start to the end mark of the first picture; what comes after it does not matter.</summary>
    public static bool IsReached(ReadOnlySpan<byte> file)
    {
        // After the two bytes that begin every JPEG.
        int at = 2;
        while (at + 1 < file.Length)
        {
            byte kind = file[at + 1];
            if (file[at] != Mark || kind == EndOfImage)
                return file[at] == Mark;
            if (kind == Mark)
            {
                // Marks may be preceded by any number of fill bytes.
                at++;
                continue;
            }
            if (at + 4 > file.Length)
                return false;
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (kind == StartOfScan)
                at = EndOfScan(file, at);
        }
        return false;
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

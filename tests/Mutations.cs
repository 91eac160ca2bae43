using Vlm.Statistics;

namespace Vlm.Tests;

/// <summary>Files as a bad line, a bad disk or an attacker makes them of good ones: the same for the same seed.</summary>
internal static class Mutations
{
    /// <summary>Copies with one to eight changes each.</summary>
    public static IEnumerable<byte[]> Of(byte[] file, int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var made = 0; made < count; made++)
        {
            byte[] bytes = [.. file];
            var changes = 1 + random.Next(8);
            for (var change = 0; change < changes && bytes.Length > 0; change++) bytes = Changed(bytes, random);
            yield return bytes;
        }
    }

    private static byte[] Changed(byte[] bytes, SeededRandom random)
    {
        // Most changes hit the front, where headers are.
        var from = random.Next(random.Next(2) == 0 ? Math.Min(64, bytes.Length) : bytes.Length);
        var length = Math.Min(1 + random.Next(16), bytes.Length - from);
        switch (random.Next(7))
        {
            case 0:
                bytes[from] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[from] = (byte)random.Next(256);
                return bytes;
            case 2:
                bytes.AsSpan(from, length).Fill(byte.MaxValue);
                return bytes;
            case 3:
                bytes.AsSpan(from, length).Clear();
                return bytes;
            case 4:
                return bytes[..from];
            case 5:
                return [.. bytes[..from], .. bytes[(from + length)..]];
            default:
                return [.. bytes[..from], .. bytes[from..(from + length)], .. bytes[from..]];
        }
    }
}

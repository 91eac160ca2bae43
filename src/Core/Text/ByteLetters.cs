using System.Buffers;

namespace Vlm.Text;

/// <summary>The letters that stand for bytes in a byte-level vocabulary: GPT-2's table, so that every token is printable.</summary>
internal static class ByteLetters
{
    // A byte that is a visible Latin-1 character stands for itself; the 68 others follow each other from U+0100.
    private const char FirstSubstitute = '\u0100';

    private static readonly char[] Letters = MakeLetters();
    private static readonly short[] Bytes = MakeBytes();

    public static char Letter(byte value) => Letters[value];

    /// <summary>The bytes of a token of the vocabulary; letters that stand for none are left out.</summary>
    public static void Write(string letters, IBufferWriter<byte> bytes)
    {
        Span<byte> target = bytes.GetSpan(letters.Length);
        int count = 0;
        foreach (char letter in letters)
        {
            if (letter < Bytes.Length && Bytes[letter] >= 0)
                target[count++] = (byte)Bytes[letter];
        }
        bytes.Advance(count);
    }

    private static char[] MakeLetters()
    {
        var letters = new char[256];
        int substitutes = 0;
        for (int value = 0; value < 256; value++)
        {
            bool visible = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            letters[value] = visible ? (char)value : (char)(FirstSubstitute + substitutes++);
        }
        return letters;
    }

    private static short[] MakeBytes()
    {
        var bytes = new short[Letters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (short value = 0; value < 256; value++)
            bytes[Letters[value]] = value;
        return bytes;
    }
}

using System.Numerics;
using System.Runtime.InteropServices;

namespace Vlm.Model;

/// <summary>Finds what is no number among many that are, at the speed of memory.</summary>
internal static class FiniteNumbers
{
    // All ones in NaN and in infinities, and in nothing else.
    private const uint Exponent = 0x7F80_0000;

    /// <summary>The index of the first NaN or infinity; -1 when there is none.</summary>
    public static int FirstOther(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(values);
        var exponent = new Vector<uint>(Exponent);
        int at = 0;
        for (; at <= bits.Length - Vector<uint>.Count; at += Vector<uint>.Count)
        {
            if (Vector.EqualsAny(new Vector<uint>(bits[at..]) & exponent, exponent))
                break;
        }
        for (; at < bits.Length; at++)
        {
            if ((bits[at] & Exponent) == Exponent)
                return at;
        }
        return -1;
    }
}

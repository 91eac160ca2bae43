namespace Vlm.Export.Options;

/// <summary>
/// Block-wise quantisation as ONNX Runtime's <c>MatMulNBits</c> reads it: each row of a weight [N, K] is cut into blocks along K, every
/// block has one scale. The zero point is fixed at the middle code (8 or 128) and therefore not stored.
/// </summary>
/// <param name="Bits">4 or 8.</param>
/// <param name="BlockSize">Weights sharing a scale: a power of two from 16 to 256.</param>
/// <remarks>
/// Value = (code - zero point) * scale. All arithmetic is float32, a value is multiplied with the *reciprocal* of the scale and halves are
/// rounded away from zero, as the runtime's own quantiser does it: packed weights are equal to its to the bit.
/// </remarks>
internal readonly record struct Quantization(int Bits, int BlockSize)
{
    public const int SmallestBlock = 16;
    public const int LargestBlock = 256;

    private int MiddleCode => 1 << (Bits - 1);

    private int LargestCode => (1 << Bits) - 1;

    public static bool IsBlockSize(int size) => size is >= SmallestBlock and <= LargestBlock && int.IsPow2(size);

    public int Blocks(int columns) => (columns + BlockSize - 1) / BlockSize;

    public int CodeBytes(int columns) => Blocks(columns) * BlockSize * Bits / 8;

    /// <summary>Quantises one row.</summary>
    /// <param name="row">[K] weights of one output.</param>
    /// <param name="codes">[<see cref="CodeBytes"/>]; 4 bits: the low half byte is the even column. Codes beyond K are 0.</param>
    /// <param name="scales">[<see cref="Blocks"/>]; negative when the largest weight of a block is positive.</param>
    public void PackRow(ReadOnlySpan<float> row, Span<byte> codes, Span<float> scales)
    {
        codes[..CodeBytes(row.Length)].Clear();
        for (var block = 0; block < Blocks(row.Length); block++)
        {
            var first = block * BlockSize;
            var values = row[first..Math.Min(first + BlockSize, row.Length)];
            var scale = scales[block] = Scale(values);
            var reciprocal = scale == 0 ? 0 : 1 / scale;
            for (var i = 0; i < values.Length; i++) Put(codes, first + i, Code(values[i] * reciprocal + MiddleCode));
        }
    }

    /// <summary>The value that a code stands for.</summary>
    public float Value(ReadOnlySpan<byte> codes, int column, float scale) => (Get(codes, column) - MiddleCode) * scale;

    /// <summary>The value of largest magnitude gets code 0 exactly, so the scale carries its opposite sign; the smaller value wins a tie.</summary>
    private float Scale(ReadOnlySpan<float> values)
    {
        var (min, max) = Extremes(values);
        return (Math.Abs(max) > Math.Abs(min) ? max : min) / -MiddleCode;
    }

    private static (float Min, float Max) Extremes(ReadOnlySpan<float> values)
    {
        var (min, max) = (values[0], values[0]);
        foreach (var value in values)
            (min, max) = (Math.Min(min, value), Math.Max(max, value));
        return (min, max);
    }

    private int Code(float value) => (int)Math.Clamp(MathF.Round(value, MidpointRounding.AwayFromZero), 0, LargestCode);

    private void Put(Span<byte> packed, int index, int code)
    {
        if (Bits == 8)
            packed[index] = (byte)code;
        else if ((index & 1) == 0)
            packed[index / 2] = (byte)((packed[index / 2] & 0xF0) | code);
        else
            packed[index / 2] = (byte)((packed[index / 2] & 0x0F) | (code << 4));
    }

    private int Get(ReadOnlySpan<byte> packed, int index) => Bits == 8 ? packed[index] : (packed[index / 2] >> ((index & 1) * 4)) & 0xF;
}

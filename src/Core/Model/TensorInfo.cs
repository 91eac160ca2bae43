namespace Vlm.Model;

/// <summary>What the numbers of a stored tensor are, little endian.</summary>
public enum TensorType
{
    /// <summary>32-bit floating point.</summary>
    F32,

    /// <summary>16-bit floating point, IEEE.</summary>
    F16,

    /// <summary>16-bit floating point with the exponent of 32 bits.</summary>
    BF16,

    /// <summary>64-bit signed whole numbers.</summary>
    I64,

    /// <summary>32-bit signed whole numbers.</summary>
    I32,

    /// <summary>Bytes.</summary>
    U8,
}

/// <summary>A stored tensor's type and shape.</summary>
/// <param name="Type">What its numbers are.</param>
/// <param name="Shape">Sizes, row-major; empty for a single number.</param>
public sealed record TensorInfo(TensorType Type, long[] Shape)
{
    /// <summary>How many numbers it holds.</summary>
    public long Count { get; } = Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>Whether its numbers are floating point.</summary>
    public bool IsFloat => Type is TensorType.F32 or TensorType.F16 or TensorType.BF16;

    /// <summary>Bytes per number.</summary>
    public int ElementSize => Type switch
    {
        TensorType.I64 => 8,
        TensorType.F32 or TensorType.I32 => 4,
        TensorType.F16 or TensorType.BF16 => 2,
        _ => 1,
    };

    /// <summary>Bytes in all.</summary>
    public long ByteCount => checked(Count * ElementSize);

    /// <summary>The indices of a number that is counted from 0 in row-major order, one for each axis.</summary>
    public long[] Place(long element)
    {
        var place = new long[Shape.Length];
        for (int axis = Shape.Length - 1; axis >= 0; axis--)
            (element, place[axis]) = Math.DivRem(element, Shape[axis]);
        return place;
    }
}

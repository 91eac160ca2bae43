using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Vlm.Engine.Ort;

/// <summary>Memory of a tensor: the processor's or a device's.</summary>
internal interface ITensorMemory : IDisposable
{
    /// <summary>The whole tensor, to be bound.</summary>
    OrtValue Value { get; }

    /// <summary>
    /// The same memory, or the part of it from a row of the first axis on, in another shape. The caller disposes it; it is only good while the tensor lives.
    /// </summary>
    OrtValue View(long[] shape, long firstRow = 0);
}

/// <summary>Memory that both sides see: pinned for its whole life, so ONNX Runtime reads and writes it in place and it is bound once.</summary>
internal sealed class NativeTensor : ITensorMemory
{
    private const int Alignment = 64;
    private readonly byte[] _memory;
    private readonly int _start;

    /// <summary>Zeroed memory for a tensor of float32, float16, int64 or int32.</summary>
    public NativeTensor(TensorElementType type, params long[] shape)
    {
        Type = type;
        Shape = shape;
        var bytes = checked(Count(shape) * Size(type));
        // A cache line more than needed, so that the tensor can start on one.
        _memory = GC.AllocateArray<byte>(checked((int)bytes + Alignment), pinned: true);
        var address = (long)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0);
        _start = (int)(-address & (Alignment - 1));
        Value = View(shape);
    }

    /// <summary>The element type, the same as the graph's.</summary>
    public TensorElementType Type { get; }

    /// <summary>The whole tensor's shape.</summary>
    public long[] Shape { get; }

    /// <inheritdoc/>
    public OrtValue Value { get; }

    /// <summary>The elements as float32; the tensor must be of that type.</summary>
    public Span<float> Floats => Elements<float>();

    /// <summary>The elements as <typeparamref name="T"/>, which must have the size of the tensor's type.</summary>
    public Span<T> Elements<T>() where T : unmanaged => MemoryMarshal.Cast<byte, T>(Bytes);

    /// <summary>The raw memory of the whole tensor.</summary>
    public Span<byte> Bytes => _memory.AsSpan(_start, (int)(Count(Shape) * Size(Type)));

    /// <inheritdoc/>
    public OrtValue View(long[] shape, long firstRow = 0)
    {
        var rowBytes = Shape[0] == 0 ? 0 : Count(Shape) / Shape[0] * Size(Type);
        var offset = _start + firstRow * rowBytes;
        var bytes = Count(shape) * Size(Type);
        if (offset + bytes > _memory.Length) throw new ArgumentOutOfRangeException(nameof(shape), "The view is larger than the tensor.");
        var pointer = Marshal.UnsafeAddrOfPinnedArrayElement(_memory, (int)offset);
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, Type, shape, pointer, bytes);
    }

    /// <summary>Writes a whole number into an int64 or int32 tensor.</summary>
    public void Set(int index, long value)
    {
        if (Type == TensorElementType.Int64) Elements<long>()[index] = value;
        else Elements<int>()[index] = checked((int)value);
    }

    /// <summary>Reads elements of a float tensor from an index on, whichever float type it has.</summary>
    public void Read(int start, Span<float> target)
    {
        if (Type == TensorElementType.Float) Floats.Slice(start, target.Length).CopyTo(target);
        else Widen(Elements<Half>().Slice(start, target.Length), target);
    }

    /// <summary>Writes elements into a float tensor from an index on, whichever float type it has.</summary>
    public void Write(int start, ReadOnlySpan<float> source)
    {
        if (Type == TensorElementType.Float)
        {
            source.CopyTo(Floats[start..]);
            return;
        }
        var target = Elements<Half>()[start..];
        for (var i = 0; i < source.Length; i++) target[i] = (Half)source[i];
    }

    /// <summary>float16 to float32.</summary>
    public static void Widen(ReadOnlySpan<Half> source, Span<float> target)
    {
        for (var i = 0; i < source.Length; i++) target[i] = (float)source[i];
    }

    /// <summary>Bytes of one element.</summary>
    public static int Size(TensorElementType type) => type switch
    {
        TensorElementType.Float or TensorElementType.Int32 => 4,
        TensorElementType.Float16 => 2,
        TensorElementType.Int64 => 8,
        _ => throw new NotSupportedException($"Tensors of type {type} are not supported; float32, float16, int64 and int32 are."),
    };

    /// <summary>Elements of a shape.</summary>
    public static long Count(ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (var side in shape) count = checked(count * side);
        return count;
    }

    public void Dispose() => Value.Dispose();
}

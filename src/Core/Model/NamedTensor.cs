using System.Runtime.InteropServices;

namespace Vlm.Model;

/// <summary>A tensor to be written; its bytes are asked for when its turn comes, so that a whole model need not be in memory.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Info">Type and shape.</param>
/// <param name="WriteTo">Writes exactly <see cref="TensorInfo.ByteCount"/> little-endian bytes.</param>
public sealed record NamedTensor(string Name, TensorInfo Info, Action<Stream> WriteTo)
{
    /// <summary>A tensor of 32-bit floats.</summary>
    public static NamedTensor Floats(string name, long[] shape, float[] values) =>
        new(name, new TensorInfo(TensorType.F32, shape), stream => stream.Write(MemoryMarshal.AsBytes<float>(values)));

    /// <summary>A tensor of 64-bit whole numbers.</summary>
    public static NamedTensor Longs(string name, long[] shape, long[] values) =>
        new(name, new TensorInfo(TensorType.I64, shape), stream => stream.Write(MemoryMarshal.AsBytes<long>(values)));

    /// <summary>A tensor of bytes already in the file's order.</summary>
    public static NamedTensor Bytes(string name, TensorInfo info, byte[] bytes) => new(name, info, stream => stream.Write(bytes));
}

namespace Vlm.Export.Onnx;

/// <summary>Bytes of a data file.</summary>
/// <param name="File">Its name, in the folder of the package.</param>
/// <param name="Offset">The first byte.</param>
internal sealed record DataPlace(string File, long Offset);

/// <summary>A constant of a graph: what it is called, its type and shape, and how its bytes are produced.</summary>
/// <param name="Name">Unique in the graph.</param>
/// <param name="Type">Element type in the file.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Write">Writes exactly <see cref="Bytes"/> bytes, little endian, piece by piece: a tensor of a large checkpoint is never held whole.</param>
internal sealed record OnnxTensor(string Name, TensorProto.Types.DataType Type, long[] Shape, Action<Stream> Write)
{
    /// <summary>Where the bytes are already, in the file of another graph; null for a tensor that is written.</summary>
    public DataPlace? Place { get; init; }

    /// <summary>A tensor whose bytes another graph's file holds.</summary>
    public static OnnxTensor At(DataPlace place, string name, TensorProto.Types.DataType type, params long[] shape) =>
        new(name, type, shape, _ => throw new InvalidOperationException($"The bytes of '{name}' are in {place.File} already.")) { Place = place };

    public long Bytes => Shape.Aggregate((long)ElementBytes(Type), (bytes, size) => checked(bytes * size));

    public static int ElementBytes(TensorProto.Types.DataType type) => type switch
    {
        TensorProto.Types.DataType.Int64 => 8,
        TensorProto.Types.DataType.Float or TensorProto.Types.DataType.Int32 => 4,
        TensorProto.Types.DataType.Float16 or TensorProto.Types.DataType.Bfloat16 => 2,
        TensorProto.Types.DataType.Uint8 or TensorProto.Types.DataType.Int8 or TensorProto.Types.DataType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "This element type has no fixed size here."),
    };
}

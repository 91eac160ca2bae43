using Google.Protobuf;

namespace Vlm.Export.Onnx;

/// <summary>The file format: a protobuf message with the graph, and beside it one file with the large tensors ("external data").</summary>
/// <remarks>
/// A protobuf message cannot exceed 2 GB and has to be built in memory, so tensors above <see cref="InlineBytes"/> go to the data
/// file, each streamed by its own writer. Offsets are 64 bit throughout.
/// </remarks>
internal static class OnnxFile
{
    /// <summary>Up to here a tensor stays inside the model file: shapes and small constants, which graph optimisers want to see.</summary>
    public const int InlineBytes = 1024;

    /// <summary>Large tensors start on a memory page, so that a mapped file can be used as it lies.</summary>
    public const int PageBytes = 4096;

    private const int LineBytes = 64;
    private const int PageAlignedFrom = 64 * 1024;
    private const int BufferBytes = 1 << 20;

    public static string DataPath(string path) => path + ".data";

    /// <summary>Writes <paramref name="path"/> and, when a tensor is large enough, <c>path.data</c>.</summary>
    /// <param name="graph">What to write.</param>
    /// <param name="path">The model file; replaced when it exists.</param>
    /// <param name="written">Hears of bytes of the data file; may throw to end the writing.</param>
    /// <returns>Where the large tensors are, by their names.</returns>
    public static IReadOnlyDictionary<string, DataPlace> Write(OnnxGraph graph, string path, Action<int>? written = null)
    {
        var own = graph.Tensors.Where(tensor => tensor.Place is null).ToList();
        var external = own.Where(t => t.Bytes > InlineBytes).ToList();
        var slots = Layout([.. external.Select(t => t.Bytes)]);
        if (external.Count > 0) WriteData(external, slots, DataPath(path), written);
        var model = graph.ToModel();
        var dataFile = Path.GetFileName(DataPath(path));
        var places = external.Zip(slots).ToDictionary(pair => pair.First.Name, pair => new DataPlace(dataFile, pair.Second));
        model.Graph.Initializer.AddRange(own.Where(t => t.Bytes <= InlineBytes).Select(Inline));
        model.Graph.Initializer.AddRange(external.Select(tensor => External(tensor, places[tensor.Name])));
        model.Graph.Initializer.AddRange(graph.Tensors.Except(own).Select(tensor => External(tensor, tensor.Place!)));
        using var file = File.Create(path);
        model.WriteTo(file);
        return places;
    }

    /// <summary>Bytes that the data file of a graph will have.</summary>
    public static long DataBytes(OnnxGraph graph)
    {
        long[] sizes = [.. graph.Tensors.Where(tensor => tensor.Place is null && tensor.Bytes > InlineBytes).Select(tensor => tensor.Bytes)];
        return sizes.Length == 0 ? 0 : Layout(sizes)[^1] + sizes[^1];
    }

    /// <summary>Reads a model file; the data file is left alone.</summary>
    /// <exception cref="InvalidDataException">Not an ONNX file.</exception>
    public static ModelProto Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var model = ModelProto.Parser.ParseFrom(file);
            return model.Graph is not null
                ? model
                : throw new InvalidDataException($"'{path}' holds no graph; an ONNX model was expected.");
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException($"'{path}' is not an ONNX file: {e.Message} Was it cut off while being copied?", e);
        }
    }

    /// <summary>Where each tensor starts in the data file.</summary>
    /// <param name="sizes">Bytes of each tensor, in file order.</param>
    /// <returns>One offset a tensor; none overlap, each is a multiple of 64, those of 64 kB and more of a page.</returns>
    public static long[] Layout(IReadOnlyList<long> sizes)
    {
        var offsets = new long[sizes.Count];
        var end = 0L;
        for (var i = 0; i < sizes.Count; i++)
        {
            long alignment = sizes[i] >= PageAlignedFrom ? PageBytes : LineBytes;
            offsets[i] = checked((end + alignment - 1) / alignment * alignment);
            end = checked(offsets[i] + sizes[i]);
        }

        return offsets;
    }

    private static void WriteData(List<OnnxTensor> tensors, long[] offsets, string path, Action<int>? written)
    {
        using var plain = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, BufferBytes);
        using var file = new ReportingStream(plain, written);
        for (var i = 0; i < tensors.Count; i++)
        {
            while (file.Position < offsets[i])
                file.WriteByte(0);
            tensors[i].Write(file);
            if (file.Position != offsets[i] + tensors[i].Bytes)
            {
                throw new InvalidOperationException(
                    $"Tensor '{tensors[i].Name}' was to take {tensors[i].Bytes} bytes but wrote {file.Position - offsets[i]}.");
            }
        }
    }

    private static TensorProto Inline(OnnxTensor tensor)
    {
        using var bytes = new MemoryStream();
        tensor.Write(bytes);
        var proto = Describe(tensor);
        proto.RawData = ByteString.CopyFrom(bytes.ToArray());
        return proto;
    }

    private static TensorProto External(OnnxTensor tensor, DataPlace place)
    {
        var proto = Describe(tensor);
        proto.DataLocation = TensorProto.Types.DataLocation.External;
        proto.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = place.File });
        proto.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = place.Offset.ToString() });
        proto.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = tensor.Bytes.ToString() });
        return proto;
    }

    private static TensorProto Describe(OnnxTensor tensor) => new() { Name = tensor.Name, DataType = (int)tensor.Type, Dims = { tensor.Shape } };
}

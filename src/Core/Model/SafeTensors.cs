using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Vlm.Files;

namespace Vlm.Model;

/// <summary>A safetensors file: only what is asked for is read.</summary>
/// <remarks>
/// Not memory-mapped: pages of a mapped file count as the process's memory until somebody else needs them, and a file that shrinks ends the process.
/// Reads may run on several threads at once; the owner disposes it after the last. Numbers are little endian, as is every machine .NET runs on.
/// </remarks>
public sealed class SafeTensors : IDisposable
{
    // At a time where a tensor is looked through or its numbers are widened: 128 or 256 kB.
    private const int ChunkElements = 64 << 10;

    private readonly string _path;
    private readonly Dictionary<string, SafeTensorsHeader.Entry> _entries;
    private readonly SafeFileHandle _file;

    private SafeTensors(string path, SafeFileHandle file, long length)
    {
        (_path, _file) = (path, file);
        var start = new byte[8];
        ReadAt(0, start);
        var header = new byte[SafeTensorsHeader.Length(path, BinaryPrimitives.ReadUInt64LittleEndian(start), length)];
        ReadAt(start.Length, header);
        _entries = SafeTensorsHeader.Parse(path, header, length);
        Names = [.. _entries.OrderBy(entry => entry.Value.Start).Select(entry => entry.Key)];
    }

    /// <summary>The tensors, in the order of their bytes.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="CheckpointException">Missing, truncated, or a header that is not JSON, lists a tensor twice, or whose ranges overlap, leave gaps or
    /// leave the file.</exception>
    public static SafeTensors Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            SafeFileHandle file = File.OpenHandle(path, options: FileOptions.RandomAccess);
            try
            {
                // Of the file that is opened: hub caches keep links, whose own length is that of their target's name.
                long length = RandomAccess.GetLength(file);
                if (LfsPointer.IsAt(path))
                    throw new CheckpointException($"{path} {LfsPointer.Problem}.");
                if (length < 10)
                    throw SafeTensorsHeader.Hostile(path, $"it has {length} bytes; is the download complete?");
                return new SafeTensors(path, file, length);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Writes tensors one after the other under a temporary name, then renames it.</summary>
    /// <param name="path">Replaced when it exists.</param>
    /// <param name="tensors">Names must differ; bytes are asked for one tensor at a time.</param>
    /// <exception cref="ArgumentException">A name occurs twice, or a tensor wrote another number of bytes than its shape asks for.</exception>
    public static void Write(string path, IEnumerable<NamedTensor> tensors)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        NamedTensor[] all = [.. tensors];
        if (all.GroupBy(tensor => tensor.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Tensor '{twice.Key}' is given twice.", nameof(tensors));
        string temporary = path + ".tmp";
        try
        {
            using (FileStream stream = File.Create(temporary))
            {
                stream.Write(Header(all));
                foreach (NamedTensor tensor in all)
                    WriteOne(stream, tensor);
            }
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Whether the file has a tensor of this name.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>A tensor's type and shape.</summary>
    /// <exception cref="CheckpointException">There is no such tensor.</exception>
    public TensorInfo Info(string name) => Find(name).Info;

    /// <summary>A whole tensor of F32, F16 or BF16 as 32-bit floats.</summary>
    /// <exception cref="CheckpointException">There is no such tensor, it holds whole numbers, or the file has become shorter.</exception>
    public float[] ReadFloats(string name)
    {
        var values = new float[Info(name).Count];
        ReadFloats(name, 0, values);
        return values;
    }

    /// <summary>Part of a tensor of F32, F16 or BF16 as 32-bit floats: the way to stream a large one.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="firstElement">Counted from 0 in row-major order.</param>
    /// <param name="destination">Filled to its end.</param>
    /// <exception cref="CheckpointException">There is no such tensor, it holds whole numbers, or the file has become shorter.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the tensor.</exception>
    public void ReadFloats(string name, long firstElement, Span<float> destination)
    {
        TensorInfo info = Info(name);
        CheckRange(name, firstElement, destination.Length, info.Count);
        if (info.Type == TensorType.F32)
        {
            ReadBytes(name, firstElement * sizeof(float), MemoryMarshal.AsBytes(destination));
            return;
        }

        if (info.Type is not (TensorType.F16 or TensorType.BF16))
            throw new CheckpointException($"{_path}: tensor '{name}' holds {info.Type}; floating-point numbers are needed.");
        var chunk = new ushort[Math.Min(ChunkElements, destination.Length)];
        for (int done = 0; done < destination.Length; done += chunk.Length)
        {
            Span<ushort> part = chunk.AsSpan(0, Math.Min(chunk.Length, destination.Length - done));
            ReadBytes(name, (firstElement + done) * sizeof(ushort), MemoryMarshal.AsBytes(part));
            Widen(part, info.Type, destination[done..]);
        }
    }

    /// <summary>Looks through a tensor of weights; one of whole numbers passes.</summary>
    /// <exception cref="CheckpointException">It holds NaN or an infinity; names the first.</exception>
    public void RequireFinite(string name)
    {
        TensorInfo info = Info(name);
        if (!info.IsFloat)
            return;
        var chunk = new float[Math.Min(ChunkElements, info.Count)];
        for (long first = 0; first < info.Count; first += ChunkElements)
        {
            Span<float> part = chunk.AsSpan(0, (int)Math.Min(ChunkElements, info.Count - first));
            ReadFloats(name, first, part);
            RequireFinite(name, first, part);
        }
    }

    /// <summary>The same for numbers of it that have been read.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="firstElement">Which of its numbers comes first, counted from 0 in row-major order.</param>
    /// <param name="values">The numbers from there on.</param>
    /// <exception cref="CheckpointException">One is NaN or an infinity; names the first.</exception>
    public void RequireFinite(string name, long firstElement, ReadOnlySpan<float> values)
    {
        int at = FiniteNumbers.FirstOther(values);
        if (at >= 0)
        {
            throw new CheckpointException(
                $"{_path}: tensor '{name}' holds {values[at]} at [{string.Join(", ", Info(name).Place(firstElement + at))}]; weights must be finite. " +
                "Take a checkpoint from before training went wrong, or copy the file again.");
        }
    }

    /// <summary>A whole tensor of I64 or I32.</summary>
    /// <exception cref="CheckpointException">There is no such tensor, or it holds something else.</exception>
    public long[] ReadLongs(string name)
    {
        TensorInfo info = Info(name);
        if (info.Type is not (TensorType.I64 or TensorType.I32))
            throw new CheckpointException($"{_path}: tensor '{name}' holds {info.Type}; whole numbers are needed.");
        byte[] bytes = ReadBytes(name);
        return info.Type == TensorType.I64
            ? MemoryMarshal.Cast<byte, long>(bytes).ToArray()
            : Array.ConvertAll(MemoryMarshal.Cast<byte, int>(bytes).ToArray(), value => (long)value);
    }

    /// <summary>A whole tensor's bytes as stored; at most 2 GB.</summary>
    public byte[] ReadBytes(string name)
    {
        var bytes = new byte[Info(name).ByteCount];
        ReadBytes(name, 0, bytes);
        return bytes;
    }

    /// <summary>Part of a tensor's bytes as stored, from <paramref name="firstByte"/> of the tensor on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the tensor.</exception>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        SafeTensorsHeader.Entry entry = Find(name);
        CheckRange(name, firstByte, destination.Length, entry.Info.ByteCount);
        ReadAt(entry.Start + firstByte, destination);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Fills a span with the file's bytes from an offset on.</summary>
    private void ReadAt(long offset, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_file.IsClosed, this);
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(_file, destination, offset);
            if (read == 0)
                throw new CheckpointException($"{_path} ends at byte {offset}: it has become shorter since it was opened. Copy it again.");
            destination = destination[read..];
            offset += read;
        }
    }

    private static void Widen(ReadOnlySpan<ushort> bits, TensorType type, Span<float> values)
    {
        if (type == TensorType.F16)
        {
            for (int i = 0; i < bits.Length; i++)
                values[i] = (float)BitConverter.UInt16BitsToHalf(bits[i]);
            return;
        }

        for (int i = 0; i < bits.Length; i++)
            values[i] = BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
    }

    private static void CheckRange(string name, long first, long count, long length)
    {
        if (first < 0 || count > length - first)
            throw new ArgumentOutOfRangeException(nameof(first), $"{count} from {first} on leave tensor '{name}', which has {length}.");
    }

    private SafeTensorsHeader.Entry Find(string name) => _entries.TryGetValue(name, out SafeTensorsHeader.Entry entry)
        ? entry
        : throw new CheckpointException($"{_path} has no tensor '{name}'.");

    private static byte[] Header(NamedTensor[] tensors)
    {
        using var buffer = new MemoryStream();
        buffer.Write(new byte[8]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            // transformers refuses a file that does not say which framework wrote it.
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long at = 0;
            foreach (NamedTensor tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Info.Type.ToString());
                WriteList(json, "shape", tensor.Info.Shape);
                WriteList(json, "data_offsets", [at, at += tensor.Info.ByteCount]);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Data begins at a multiple of 8, so that mapped numbers are aligned.
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        byte[] header = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    private static void WriteList(Utf8JsonWriter json, string name, ReadOnlySpan<long> values)
    {
        json.WriteStartArray(name);
        foreach (long value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    private static void WriteOne(FileStream stream, NamedTensor tensor)
    {
        long before = stream.Position;
        tensor.WriteTo(stream);
        if (stream.Position - before != tensor.Info.ByteCount)
            throw new ArgumentException($"Tensor '{tensor.Name}' wrote {stream.Position - before} bytes; its shape asks for {tensor.Info.ByteCount}.");
    }
}

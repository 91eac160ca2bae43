using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text.Json;
using Vlm.Files;

namespace Vlm.Model;

/// <summary>A safetensors file, memory-mapped: only the pages that are read take memory.</summary>
/// <remarks>
/// Reads may run on several threads at once; the owner disposes it after the last. Numbers are little endian, as is every machine .NET runs on.
/// </remarks>
public sealed unsafe class SafeTensors : IDisposable
{
    // 256 kB at a time where a tensor is only looked through.
    private const int ChunkElements = 64 << 10;

    private readonly string _path;
    private readonly Dictionary<string, SafeTensorsHeader.Entry> _entries;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private bool _disposed;

    private SafeTensors(string path, MemoryMappedFile file, long length)
    {
        _path = path;
        _file = file;
        _view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
        try
        {
            int header = SafeTensorsHeader.Length(path, BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(_start, 8)), length);
            _entries = SafeTensorsHeader.Parse(path, new ReadOnlySpan<byte>(_start + 8, header), length);
        }
        catch
        {
            Dispose();
            throw;
        }
        Names = [.. _entries.OrderBy(entry => entry.Value.Start).Select(entry => entry.Key)];
    }

    /// <summary>The tensors, in the order of their bytes.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="CheckpointException">Missing, truncated, or a header that is not JSON, lists a tensor twice, or whose ranges overlap, leave gaps or
    /// leave the file.</exception>
    public static SafeTensors Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            // Of the file that is opened: hub caches keep links, whose own length is that of their target's name.
            using FileStream stream = File.OpenRead(path);
            if (LfsPointer.IsAt(path))
                throw new CheckpointException($"{path} {LfsPointer.Problem}.");
            if (stream.Length < 10)
                throw SafeTensorsHeader.Hostile(path, $"it has {stream.Length} bytes; is the download complete?");
            var mapped = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            return new SafeTensors(path, mapped, stream.Length);
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
    /// <exception cref="CheckpointException">There is no such tensor, or it holds whole numbers.</exception>
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
    /// <exception cref="CheckpointException">There is no such tensor, or it holds whole numbers.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the tensor.</exception>
    public void ReadFloats(string name, long firstElement, Span<float> destination)
    {
        TensorInfo info = Info(name);
        ReadOnlySpan<byte> bytes = Range(name, firstElement, destination.Length);
        switch (info.Type)
        {
            case TensorType.F32:
                bytes.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case TensorType.F16:
                ReadOnlySpan<Half> small = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < destination.Length; i++)
                    destination[i] = (float)small[i];
                break;
            case TensorType.BF16:
                ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < destination.Length; i++)
                    destination[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << 16);
                break;
            default:
                throw new CheckpointException($"{_path}: tensor '{name}' holds {info.Type}; floating-point numbers are needed.");
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
        ReadOnlySpan<byte> bytes = Range(name, 0, checked((int)info.Count));
        return info.Type switch
        {
            TensorType.I64 => MemoryMarshal.Cast<byte, long>(bytes).ToArray(),
            TensorType.I32 => Array.ConvertAll(MemoryMarshal.Cast<byte, int>(bytes).ToArray(), value => (long)value),
            _ => throw new CheckpointException($"{_path}: tensor '{name}' holds {info.Type}; whole numbers are needed."),
        };
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
        ObjectDisposedException.ThrowIf(_disposed, this);
        SafeTensorsHeader.Entry entry = Find(name);
        CheckRange(name, firstByte, destination.Length, entry.Info.ByteCount);
        new ReadOnlySpan<byte>(_start + entry.Start + firstByte, destination.Length).CopyTo(destination);
    }

    /// <summary>Unmaps the file.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    private ReadOnlySpan<byte> Range(string name, long first, int count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        SafeTensorsHeader.Entry entry = Find(name);
        CheckRange(name, first, count, entry.Info.Count);
        int size = entry.Info.ElementSize;
        return new ReadOnlySpan<byte>(_start + entry.Start + first * size, checked(count * size));
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

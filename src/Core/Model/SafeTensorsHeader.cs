using System.Text.Json;

namespace Vlm.Model;

/// <summary>The header of a safetensors file: 8 bytes of length, then JSON with each tensor's type, shape and place.</summary>
/// <remarks>A file from elsewhere may lie, so everything is checked before a byte of a tensor is touched.</remarks>
internal static class SafeTensorsHeader
{
    // The format's own limit. The header of the 3B model takes about 100 kB.
    private const long MaxLength = 100_000_000;

    /// <summary>Where a tensor's bytes begin, counted from the start of the file.</summary>
    public readonly record struct Entry(TensorInfo Info, long Start);

    /// <summary>How many bytes of JSON follow the first 8, checked against the file's length.</summary>
    /// <exception cref="CheckpointException">Too short or not a safetensors file.</exception>
    public static int Length(string path, ulong declared, long fileLength)
    {
        if (declared < 2 || declared > MaxLength)
            throw Hostile(path, $"its header claims {declared} bytes; 2 to {MaxLength} are allowed");
        if ((long)declared > fileLength - 8)
            throw Hostile(path, $"its header claims {declared} bytes, but only {fileLength - 8} follow; is the download complete?");
        return (int)declared;
    }

    /// <summary>Reads the JSON and checks that the tensors fill the rest of the file without gaps or overlaps.</summary>
    /// <exception cref="CheckpointException">They do not.</exception>
    public static Dictionary<string, Entry> Parse(string path, ReadOnlySpan<byte> json, long fileLength)
    {
        long dataStart = 8 + json.Length;
        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json.ToArray(), new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw Hostile(path, "its header is not a JSON object");
            foreach (JsonProperty field in document.RootElement.EnumerateObject())
            {
                if (field.Name != "__metadata__" && !entries.TryAdd(field.Name, ReadEntry(path, field, dataStart)))
                    throw Hostile(path, $"tensor '{field.Name}' is listed twice");
            }
        }
        // A lone surrogate in a name is found only when the name is decoded, and as another exception.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"{path} cannot be used: its header is not JSON ({error.Message}) Is it a safetensors file?", error);
        }
        CheckCover(path, entries, dataStart, fileLength);
        return entries;
    }

    public static CheckpointException Hostile(string path, string what) => new($"{path} cannot be used: {what}.");

    private static Entry ReadEntry(string path, JsonProperty field, long dataStart)
    {
        string name = field.Name;
        var problems = new List<string>();
        if (field.Value.ValueKind != JsonValueKind.Object)
            throw Hostile(path, $"the entry of tensor '{name}' is not a JSON object");
        if (field.Value.EnumerateObject().Count() != 3)
            throw Hostile(path, $"the entry of tensor '{name}' must have exactly dtype, shape and data_offsets");
        var fields = new JsonFields(field.Value, $"{name}: ", problems);
        string type = fields.Text("dtype", "");
        long[] shape = fields.Longs("shape");
        long[] offsets = fields.Longs("data_offsets");
        if (problems.Count > 0)
            throw Hostile(path, string.Join("; ", problems));
        if (!Enum.TryParse(type, out TensorType known) || !Enum.IsDefined(known) || char.IsAsciiDigit(type[0]))
            throw Hostile(path, $"tensor '{name}' has type '{type}'; only {string.Join(", ", Enum.GetNames<TensorType>())} are supported");
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > long.MaxValue - dataStart)
            throw Hostile(path, $"tensor '{name}' has data_offsets [{string.Join(", ", offsets)}]; a start and an end are needed");
        TensorInfo info = Sized(path, name, known, shape);
        if (offsets[1] - offsets[0] != info.ByteCount)
        {
            throw Hostile(path, $"tensor '{name}' of type {type} and shape [{string.Join(", ", shape)}] needs {info.ByteCount} bytes; its data_offsets give "
                + $"{offsets[1] - offsets[0]}");
        }
        return new Entry(info, dataStart + offsets[0]);
    }

    private static TensorInfo Sized(string path, string name, TensorType type, long[] shape)
    {
        try
        {
            var info = new TensorInfo(type, shape);
            if (shape.All(size => size >= 0) && info.ByteCount >= 0)
                return info;
        }
        catch (OverflowException)
        {
            // Falls through to the same message: no file has a tensor that large.
        }
        throw Hostile(path, $"tensor '{name}' has the impossible shape [{string.Join(", ", shape)}]");
    }

    private static void CheckCover(string path, Dictionary<string, Entry> entries, long dataStart, long fileLength)
    {
        long at = dataStart;
        foreach ((string name, Entry entry) in entries.OrderBy(each => each.Value.Start).ThenBy(each => each.Value.Info.ByteCount))
        {
            if (entry.Start < at)
                throw Hostile(path, $"tensor '{name}' overlaps the one before it");
            if (entry.Start > at)
                throw Hostile(path, $"{entry.Start - at} bytes before tensor '{name}' belong to no tensor");
            at += entry.Info.ByteCount;
            if (at > fileLength)
                throw Hostile(path, $"tensor '{name}' ends at byte {at}, but the file has {fileLength}; is the download complete?");
        }
        if (at != fileLength)
            throw Hostile(path, $"{fileLength - at} bytes follow the last tensor");
    }
}

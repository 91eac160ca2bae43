using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Vlm.Bench.Quality;

/// <summary>The puzzles of an unfinished run, one JSON object per line, so that a stopped run goes on where it was.</summary>
/// <remarks>A line that was torn by a crash is cut. The file's name must hold everything that changes an answer.</remarks>
public class PartialResults<T> : IDisposable
{
    private readonly string _path;
    private readonly JsonTypeInfo<T> _type;
    private readonly Func<T, long> _index;
    private readonly FileStream _file;
    private readonly SortedDictionary<long, T> _items = [];

    /// <param name="path">The file; made when absent, with its folder.</param>
    /// <param name="type">How an item is written.</param>
    /// <param name="index">The index of an item in its split.</param>
    public PartialResults(string path, JsonTypeInfo<T> type, Func<T, long> index)
    {
        (_type, _index) = (type, index);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        _path = path;
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        _file.SetLength(ReadWholeLines());
        _file.Seek(0, SeekOrigin.End);
    }

    /// <summary>What is known so far, by index.</summary>
    public IReadOnlyDictionary<long, T> Items => _items;

    /// <summary>Adds the puzzles of one batch.</summary>
    public void Add(IReadOnlyList<T> batch)
    {
        var lines = new StringBuilder();
        foreach (var item in batch)
        {
            lines.Append(JsonSerializer.Serialize(item, _type)).Append('\n');
            _items[_index(item)] = item;
        }

        _file.Write(Encoding.UTF8.GetBytes(lines.ToString()));
        _file.Flush();
    }

    /// <summary>Removes the file: the run is finished and its report written.</summary>
    public void Delete()
    {
        _file.Dispose();
        File.Delete(_path);
    }

    public void Dispose()
    {
        _file.Dispose();
        GC.SuppressFinalize(this);
    }

    private long ReadWholeLines()
    {
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        int end = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        foreach (string line in Encoding.UTF8.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var item = JsonSerializer.Deserialize(line, _type)!;
            _items[_index(item)] = item;
        }

        return end;
    }
}

/// <summary>The puzzles of an unfinished quality run.</summary>
/// <param name="path">The file; made when absent, with its folder.</param>
public sealed class PartialResults(string path) : PartialResults<QualityItem>(path, ItemJson.Default.QualityItem, item => item.Index);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(QualityItem))]
internal sealed partial class ItemJson : JsonSerializerContext;

using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Vlm.Files;

/// <summary>The results of a long run, one JSON object a line, so that a stopped run goes on where it was.</summary>
/// <remarks>A line that was torn by a crash is cut. The file's name or its first line must hold everything that changes a result.</remarks>
public sealed class ResultLines<TKey, T> : IDisposable
    where TKey : notnull
{
    // What .NET reports for a file that is locked: ERROR_SHARING_VIOLATION of Windows, EWOULDBLOCK of Linux and macOS.
    private const int SharingViolation = unchecked((int)0x80070020), WouldBlock = 11, WouldBlockOfMac = 35;

    private readonly JsonTypeInfo<T> _type;
    private readonly Func<T, TKey> _key;
    private readonly FileStream _file;
    private readonly SortedDictionary<TKey, T> _items = [];

    /// <summary>Opens the file and reads what it holds.</summary>
    /// <param name="path">The file; made when absent, with its folder.</param>
    /// <param name="type">How a result is written.</param>
    /// <param name="key">What tells results apart.</param>
    /// <param name="subject">What is run, as one line: kept as the file's first one. Null when the file's name says it.</param>
    /// <exception cref="UserException">Another process has the file open, or it holds something else, or results of another subject.</exception>
    public ResultLines(string path, JsonTypeInfo<T> type, Func<T, TKey> key, string? subject = null)
    {
        (Path, _type, _key) = (path, type, key);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        _file = OpenAlone(path);
        try
        {
            Begin(subject);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What is known so far, in the order of the keys.</summary>
    public IReadOnlyDictionary<TKey, T> Items => _items;

    /// <summary>Keeps results; they are in the file when it returns.</summary>
    public void Add(IReadOnlyList<T> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var lines = new StringBuilder();
        foreach (var result in results)
        {
            lines.Append(JsonSerializer.Serialize(result, _type)).Append('\n');
            _items[_key(result)] = result;
        }

        Write(lines.ToString());
    }

    /// <summary>Removes the file: the run is finished and its report written.</summary>
    public void Delete()
    {
        _file.Dispose();
        File.Delete(Path);
    }

    /// <summary>Closes the file, which stays.</summary>
    public void Dispose() => _file.Dispose();

    // Two processes would write results of the same keys, each over the other's.
    private static FileStream OpenAlone(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult is SharingViolation or WouldBlock or WouldBlockOfMac)
        {
            throw new UserException($"'{path}' is open in another process, so this run would mix its results with that one's. Let it end first.", e);
        }
    }

    private void Begin(string? subject)
    {
        var lines = ReadWholeLines();
        if (subject is not null && lines.Length == 0) Write(subject + "\n");
        if (subject is not null && lines.Length > 0 && lines[0] != subject)
            throw new UserException($"'{Path}' holds the beginning of another run: {lines[0]} Expected: {subject} Remove the file, or write to another one.");
        foreach (var line in lines.Skip(subject is null ? 0 : 1))
        {
            var result = Parse(line);
            _items[_key(result)] = result;
        }
    }

    private string[] ReadWholeLines()
    {
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        var end = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        _file.SetLength(end);
        _file.Seek(0, SeekOrigin.End);
        return Encoding.UTF8.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private T Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, _type) ?? throw new JsonException("It is null.");
        }
        catch (JsonException e)
        {
            throw new UserException($"'{Path}' holds a line that is no result of this run: {e.Message} Remove the file to start again.", e);
        }
    }

    private void Write(string text)
    {
        _file.Write(Encoding.UTF8.GetBytes(text));
        _file.Flush();
    }
}

using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vlm.Cryptogram;
using Vlm.Gating;
using Vlm.Statistics;

namespace Vlm.Edge.Calibrate;

/// <summary>What a package made of one labelled puzzle.</summary>
internal sealed record Measurement
{
    public required int Index { get; init; }

    public required string Name { get; init; }

    public int? Severity { get; init; }

    public required string Expected { get; init; }

    /// <summary>Null when the reply could not be read.</summary>
    public string? Answer { get; init; }

    public required IReadOnlyList<Verifier> HardFailures { get; init; }

    /// <summary>In the order of <see cref="Signals.Names"/>.</summary>
    public required double[] Signals { get; init; }

    /// <summary>SHA-256 of picture, code and answer.</summary>
    public required string PuzzleHash { get; init; }

    [JsonIgnore]
    public bool IsCorrect => Answer == Expected;

    /// <param name="withVerifiers">Whether every hard failure rules an answer out, or only an unreadable reply.</param>
    public bool IsRuledOut(bool withVerifiers = true) => withVerifiers ? HardFailures.Count > 0 : Answer is null;

    public LabelledSignals ToLabelled(bool withVerifiers = true) => new(new SignalVector(Signals), IsRuledOut(withVerifiers), IsCorrect);

    /// <summary>As the daemon would see it: no confidence at all in what is ruled out.</summary>
    public ScoredAnswer Scored(Calibrator calibrator, bool withVerifiers = true) =>
        new(IsRuledOut(withVerifiers) ? 0 : calibrator.Confidence(new SignalVector(Signals)), IsCorrect);
}

/// <summary>The measured answers of one package on one set of puzzles, one JSON object per line: a stopped run goes on, and another promise needs no new run.</summary>
/// <remarks>A line that was torn by a crash is cut. The file's name must hold everything that changes an answer.</remarks>
internal sealed class MeasurementFile : IDisposable
{
    private readonly FileStream _file;
    private readonly SortedDictionary<int, Measurement> _items = [];

    /// <param name="path">The file; made when absent, with its folder.</param>
    public MeasurementFile(string path)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        Path = path;
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        _file.SetLength(ReadWholeLines());
        _file.Seek(0, SeekOrigin.End);
    }

    public string Path { get; }

    /// <summary>What is known, by index.</summary>
    public IReadOnlyDictionary<int, Measurement> Items => _items;

    public void Add(IEnumerable<Measurement> batch)
    {
        foreach (var item in batch)
        {
            _file.Write(JsonSerializer.SerializeToUtf8Bytes(item, MeasurementJson.Default.Measurement));
            _file.WriteByte((byte)'\n');
            _items[item.Index] = item;
        }

        _file.Flush();
    }

    public void Dispose() => _file.Dispose();

    private long ReadWholeLines()
    {
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        var end = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        foreach (var line in Encoding.UTF8.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var item = Parse(line);
            _items[item.Index] = item;
        }

        return end;
    }

    private Measurement Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, MeasurementJson.Default.Measurement)!;
        }
        catch (JsonException e)
        {
            throw new IOException($"'{Path}' holds a line that is no measurement: {e.Message} Remove the file to measure again.", e);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Measurement))]
internal sealed partial class MeasurementJson : JsonSerializerContext;

using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Vlm.Trainer.Runs;

/// <summary>One line of <c>metrics.jsonl</c>.</summary>
/// <param name="Step">Training step, counted from 1; 0 is before training.</param>
/// <param name="Elapsed">Seconds of training, over all the times the run was resumed.</param>
/// <param name="Values">Numbers by name.</param>
public sealed record MetricsLine(long Step, double Elapsed, IReadOnlyDictionary<string, double> Values);

/// <summary>Appends metrics to a file, one JSON object per line: <c>{"step":20,"elapsed":3.2,"train/loss":0.7}</c>.</summary>
/// <remarks>
/// Steps never decrease along the file. So resuming is cutting the tail, and the file of a run that was killed and resumed
/// has the lines of one that never stopped. NaN and infinities are written as strings, since JSON has no such numbers and they are what one looks for.
/// </remarks>
public sealed class MetricsLog : IDisposable
{
    private readonly FileStream _file;
    private readonly TimeProvider _clock;
    private readonly long _opened;
    private readonly MetricsLine? _lastKept;
    private long _lastStep;

    /// <param name="path">The file; made when absent.</param>
    /// <param name="resumeStep">The last step to keep; 0 keeps nothing.</param>
    /// <param name="clock">Source of elapsed time; the system's when not given.</param>
    /// <exception cref="InvalidDataException">A line before the last is not a metrics line.</exception>
    public MetricsLog(string path, long resumeStep, TimeProvider? clock = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(resumeStep);
        _clock = clock ?? TimeProvider.System;
        _opened = _clock.GetTimestamp();
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            (long kept, _lastKept) = resumeStep == 0 ? (0, null) : KeptPart(_file, path, resumeStep);
            _file.SetLength(kept);
            _file.Seek(0, SeekOrigin.End);
            _lastStep = _lastKept?.Step ?? 0;
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Writes one line and hands it to the operating system.</summary>
    /// <exception cref="ArgumentException">The step goes back, or a value is named <c>step</c> or <c>elapsed</c>.</exception>
    public void Append(long step, IReadOnlyDictionary<string, double> values)
    {
        if (step < _lastStep)
            throw new ArgumentException($"Step {step} comes after step {_lastStep}: steps never go back within a run.", nameof(step));
        double elapsed = (_lastKept?.Elapsed ?? 0) + _clock.GetElapsedTime(_opened).TotalSeconds;
        _file.Write(Line(step, elapsed, values));
        _file.Flush();
        _lastStep = step;
    }

    /// <summary>Reads a whole file; a last line that was cut off by a crash is left out.</summary>
    /// <exception cref="InvalidDataException">Another line is not a metrics line.</exception>
    public static IReadOnlyList<MetricsLine> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return [.. Lines(file, path).Select(found => found.Line)];
    }

    public void Dispose() => _file.Dispose();

    private static (long Bytes, MetricsLine? Last) KeptPart(Stream file, string path, long resumeStep)
    {
        long bytes = 0;
        MetricsLine? last = null;
        foreach (var (line, end) in Lines(file, path))
        {
            if (line.Step > resumeStep)
                break;
            (bytes, last) = (end, line);
        }

        return (bytes, last);
    }

    // Yields each whole line with the offset just after it.
    private static IEnumerable<(MetricsLine Line, long End)> Lines(Stream file, string path)
    {
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        int number = 0;
        for (int start = 0; start < bytes.Length;)
        {
            int length = bytes.AsSpan(start).IndexOf((byte)'\n');
            if (length < 0)
                yield break;
            number++;
            yield return (Parse(bytes.AsSpan(start, length), path, number), start + length + 1);
            start += length + 1;
        }
    }

    private static MetricsLine Parse(ReadOnlySpan<byte> json, string path, int number)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using var document = JsonDocument.ParseValue(ref reader);
            var values = new Dictionary<string, double>();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                values[member.Name] = member.Value.ValueKind == JsonValueKind.String
                    ? double.Parse(member.Value.GetString()!)
                    : member.Value.GetDouble();
            }

            var line = new MetricsLine((long)values["step"], values["elapsed"], values);
            values.Remove("step");
            values.Remove("elapsed");
            return line;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new InvalidDataException(
                $"Line {number} of '{path}' should be a JSON object of numbers with 'step' and 'elapsed' but is: {Encoding.UTF8.GetString(json)}. " +
                "Repair the line, or move the file away to start a new one.", e);
        }
    }

    private static ReadOnlySpan<byte> Line(long step, double elapsed, IReadOnlyDictionary<string, double> values)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("step", step);
            json.WriteNumber("elapsed", Math.Round(elapsed, 3));
            foreach (var (name, value) in values)
            {
                if (name is "step" or "elapsed")
                    throw new ArgumentException($"'{name}' is a name of its own in every line; give the value another one.", nameof(values));
                if (double.IsFinite(value))
                    json.WriteNumber(name, value);
                else
                    json.WriteString(name, value.ToString());
            }

            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan;
    }
}

using System.Text;
using System.Text.Json;
using Vlm.Puzzles;

namespace Vlm.Trainer.Evaluations;

/// <summary>The puzzles of an unfinished evaluation, so that a stopped one goes on where it was: a line that says what is evaluated, then one line a puzzle.</summary>
/// <remarks>A line that was torn by a crash is cut.</remarks>
internal sealed class PartialEvaluation : IDisposable
{
    private readonly string path;
    private readonly FileStream file;
    private readonly Dictionary<(Split, long), EvaluatedPuzzle> puzzles = [];

    /// <param name="path">The file; made when absent, with its folder.</param>
    /// <param name="subject">What is evaluated.</param>
    /// <exception cref="InvalidDataException">The file is of another evaluation.</exception>
    public PartialEvaluation(string path, EvaluationSubject subject)
    {
        this.path = path;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            Begin(Line(subject));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What is known so far.</summary>
    public IReadOnlyDictionary<(Split, long), EvaluatedPuzzle> Puzzles => puzzles;

    /// <summary>Adds the puzzles of one batch.</summary>
    public void Add(IReadOnlyList<EvaluatedPuzzle> batch)
    {
        foreach (var puzzle in batch) puzzles[(puzzle.Split, puzzle.Index)] = puzzle;
        file.Write(Encoding.UTF8.GetBytes(string.Concat(batch.Select(puzzle => Line(puzzle) + "\n"))));
        file.Flush();
    }

    /// <summary>Removes the file: the evaluation is finished and written.</summary>
    public void Delete()
    {
        file.Dispose();
        File.Delete(path);
    }

    public void Dispose() => file.Dispose();

    private void Begin(string subject)
    {
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        var end = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        var lines = Encoding.UTF8.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length > 0 && lines[0] != subject)
            throw new InvalidDataException($"'{path}' holds the beginning of another evaluation (other weights, splits, seed, count, severities or batch). Remove it, or give another --out.");
        foreach (var line in lines.Skip(1))
        {
            var puzzle = JsonSerializer.Deserialize<EvaluatedPuzzle>(line, EvaluationJson.Lines)!;
            puzzles[(puzzle.Split, puzzle.Index)] = puzzle;
        }
        file.SetLength(end);
        file.Seek(0, SeekOrigin.End);
        if (lines.Length == 0) file.Write(Encoding.UTF8.GetBytes(subject + "\n"));
    }

    private static string Line<T>(T value) => JsonSerializer.Serialize(value, EvaluationJson.Lines);
}

using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Vlm.Files;
using Vlm.Puzzles;
using Vlm.Trainer.Config;

namespace Vlm.Trainer.Runs;

/// <summary>What was evaluated: everything that changes an answer or a puzzle.</summary>
public sealed record EvaluationSubject
{
    /// <summary>Folder of the checkpoint.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>SHA-256 over its weight files.</summary>
    public required string Weights { get; init; }

    /// <summary>Seed of the puzzles.</summary>
    public required long Seed { get; init; }

    /// <summary>Puzzles per split.</summary>
    public required int Count { get; init; }

    /// <summary>In the order in which they are evaluated.</summary>
    public required IReadOnlyList<Split> Splits { get; init; }

    /// <summary>Camera severities, lowest and highest; of the camera split alone.</summary>
    public required SeverityRange Severity { get; init; }

    /// <summary>What is the matter with the pictures.</summary>
    public Stratum Stratum { get; init; }

    /// <summary>Whether replies are held to the grammar, letter by letter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Held { get; init; }

    /// <summary>Puzzles that are answered together.</summary>
    public required int Batch { get; init; }
}

/// <summary>What became of one puzzle.</summary>
/// <param name="Split">Its split.</param>
/// <param name="Index">Its index in the split.</param>
/// <param name="Code">The spaced code: two evaluations are about the same puzzle if this, kind and severity are equal.</param>
/// <param name="Right">Exact match of the whole answer.</param>
/// <param name="Kind">Of picture: <see cref="PictureKind"/>.</param>
/// <param name="Words">Words of the message.</param>
/// <param name="Severity">Camera severity; 0 for a flat sheet.</param>
/// <param name="Confidence">Probability of the whole reply, the product over its tokens; null when there is no answer.</param>
public sealed record EvaluatedPuzzle(Split Split, long Index, string Code, bool Right, string Kind, int Words, int Severity, double? Confidence = null)
{
    /// <summary>The reply, where it is wrong.</summary>
    public string? Reply { get; init; }
}

/// <summary>Exact match in one group of puzzles.</summary>
/// <param name="Split">Its split.</param>
/// <param name="Group"><c>all</c>, <c>1 word</c>, <c>severity 2</c>, …</param>
/// <param name="Right">Right answers.</param>
/// <param name="Count">Puzzles.</param>
/// <param name="Low">Lower end of the 95 % Wilson interval.</param>
/// <param name="High">Its upper end.</param>
public sealed record EvaluationScore(Split Split, string Group, int Right, int Count, double Low, double High);

/// <summary>A finished evaluation, as <c>eval</c> writes it.</summary>
public sealed record EvaluationFile(EvaluationSubject Subject, string? Commit, IReadOnlyList<EvaluationScore> Scores, IReadOnlyList<EvaluatedPuzzle> Puzzles)
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is none; the message says what to do.</exception>
    public static EvaluationFile Load(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<EvaluationFile>(File.ReadAllBytes(path), EvaluationJson.Lines)
                ?? throw new InvalidDataException($"{path}: expected an evaluation, found null.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(
                $"{path} is not a finished evaluation: {error.Message} Write one with 'eval <checkpoint> --out <file>'; "
                    + "reports of the benchmark harness keep no puzzles.", error);
        }
    }

    /// <summary>Writes it in one step, a puzzle a line.</summary>
    public void Save(string path)
    {
        var text = $$"""
            {
              "subject": {{Json(Subject)}},
              "commit": {{Json(Commit)}},
              "scores": [
                {{string.Join(",\n    ", Scores.Select(Json))}}
              ],
              "puzzles": [
                {{string.Join(",\n    ", Puzzles.Select(Json))}}
              ]
            }

            """;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        AtomicFile.Write(path, text);
    }

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, EvaluationJson.Lines);
}

internal static class EvaluationJson
{
    /// <summary>One object a line.</summary>
    public static readonly JsonSerializerOptions Lines = new(TrainJson.Options)
    {
        WriteIndented = false,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}

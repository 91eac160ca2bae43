using System.Text.Json;
using System.Text.Json.Serialization;
using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Bench.Quality;

/// <summary>What became of one puzzle.</summary>
/// <param name="Index">The puzzle's index in its split.</param>
/// <param name="Code">The spaced code.</param>
/// <param name="Expected">The right answer.</param>
/// <param name="Answer">What the model answered; null when its reply could not be read.</param>
/// <param name="Failure">Why the reply could not be read, with details; null when it could.</param>
public sealed record QualityItem(long Index, string Code, string Expected, string? Answer, UnreadableReply? Failure)
{
    /// <summary>Camera severity; 0 for a picture that no camera took.</summary>
    public int Severity { get; init; }

    /// <summary>The engine's raw confidence, 0 to 1; null when the reply could not be read.</summary>
    public double? Confidence { get; init; }

    /// <summary>What the model said of the picture: answered, unreadable or no_decoder; null when its reply could not be read.</summary>
    public string? Status { get; init; }

    /// <summary>Time of the batch that the puzzle was solved in, divided by the batch's size.</summary>
    public double Seconds { get; init; }

    /// <summary>Tokens of the reply.</summary>
    public int Tokens { get; init; }

    public static QualityItem From(long index, Puzzle puzzle, Solution solution)
    {
        var failure = solution.Reply is ReplyResult.ParseFailure unreadable ? new UnreadableReply(unreadable.Reason.ToString(), unreadable.Detail) : null;
        return new QualityItem(index, puzzle.Code, puzzle.Answer, solution.Answer, failure)
        {
            Severity = puzzle.Severity,
            Confidence = solution.RawConfidence,
            Status = solution.Status is { } status ? JsonNamingPolicy.SnakeCaseLower.ConvertName(status.ToString()) : null,
            Tokens = solution.Generation.Choices.Count,
        };
    }

    public bool IsRight => Answer == Expected;

    public int Words => Expected.Count(c => c == ' ') + 1;
}

/// <summary>Why a reply was rejected.</summary>
/// <param name="Reason">The parser's reason.</param>
/// <param name="Detail">The parser's sentence.</param>
public sealed record UnreadableReply(string Reason, string Detail);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(QualityItem))]
internal sealed partial class QualityItemJson : JsonSerializerContext;

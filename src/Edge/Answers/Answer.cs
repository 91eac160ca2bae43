using System.Text.Json.Serialization;
using Vlm.Cryptogram;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Answers;

/// <summary>Who said what a client is told.</summary>
internal enum AnsweredBy
{
    /// <summary>The model on this box.</summary>
    Edge,

    /// <summary>The larger model.</summary>
    Escalation,

    /// <summary>One of both, earlier, about the same picture and code.</summary>
    Cache,
}

/// <summary>How long each stage took; zero for what was not done.</summary>
internal sealed record AnswerTimings
{
    /// <summary>Waiting for the local model.</summary>
    public TimeSpan Queue { get; init; }

    public TimeSpan DecodePicture { get; init; }

    public TimeSpan FindSheet { get; init; }

    public TimeSpan Patches { get; init; }

    public TimeSpan Vision { get; init; }

    public TimeSpan Prefill { get; init; }

    public TimeSpan Decode { get; init; }

    public TimeSpan Gate { get; init; }

    /// <summary>Asking the larger model, all attempts.</summary>
    public TimeSpan Escalation { get; init; }

    public TimeSpan Total { get; init; }

    /// <summary>All but the total, by name.</summary>
    public IEnumerable<(string Name, TimeSpan Time)> Stages =>
    [
        ("queue", Queue), ("decode_picture", DecodePicture), ("find_sheet", FindSheet), ("patches", Patches), ("vision", Vision), ("prefill", Prefill),
        ("decode", Decode), ("gate", Gate), ("escalation", Escalation),
    ];
}

/// <summary>What a client is told.</summary>
internal sealed record Answer
{
    public required string Id { get; init; }

    /// <summary>The plain text; null when nobody could read the picture.</summary>
    public required string? Text { get; init; }

    /// <summary>What the picture lets one say; null when nobody could read it.</summary>
    public AnswerStatus? Status { get; init; }

    /// <summary>The letters of the code that the picture does not show.</summary>
    public IReadOnlyList<char> Unseen { get; init; } = [];

    /// <summary>Calibrated probability that the answer is right, by the gate of the model that gave it; null where that has none.</summary>
    public double? Confidence { get; init; }

    public required AnsweredBy By { get; init; }

    /// <summary>Whether the certificate of that gate covers it; of the larger model's answers only such are certain.</summary>
    public bool IsCertified { get; init; }

    /// <summary>Null when the answer was accepted by the gate or comes from the larger model.</summary>
    public DegradedReason? Degraded { get; init; }

    /// <summary>The same for people.</summary>
    public string? DegradedDetail { get; init; }

    /// <summary>Why the larger model was or will be asked; null when it is not.</summary>
    public EscalationReason? EscalationReason { get; init; }

    /// <summary>The model whose words they are.</summary>
    public required string Model { get; init; }

    /// <summary>Id under which a correction will come; null when none is on its way.</summary>
    public string? CorrectionId { get; init; }

    /// <summary>Tokens of the prompt and of the reply of the local model; null from the cache.</summary>
    [JsonIgnore]
    public (int Prompt, int Reply)? Tokens { get; init; }

    /// <summary>What is wrong with the picture's file though all of it could be read; null when nothing is.</summary>
    public string? Warning { get; init; }

    /// <summary>Whether the box found the sheet in the picture and read what it cut out; false for the larger model's answers, which saw the whole.</summary>
    public bool IsCutOut { get; init; }

    public AnswerTimings Timings { get; init; } = new();
}

/// <summary>What the larger model said in the background.</summary>
/// <param name="Text">Its answer.</param>
/// <param name="Model">Its name.</param>
/// <param name="Agrees">Whether the local answer was the same.</param>
/// <param name="Reason">Why it was asked.</param>
/// <param name="At">When it came, UTC.</param>
internal sealed record Correction(string Text, string Model, bool Agrees, EscalationReason Reason, DateTimeOffset At);

/// <summary>What a person who saw the picture said of an answer.</summary>
/// <param name="Text">What the picture says.</param>
/// <param name="By">Name of the person's key.</param>
/// <param name="Agrees">Whether the answer was the same.</param>
/// <param name="At">When, UTC.</param>
internal sealed record Review(string Text, string By, bool Agrees, DateTimeOffset At);

/// <summary>How answers are kept. What a later version adds is read over by an earlier one.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(Answer))]
[JsonSerializable(typeof(Correction))]
[JsonSerializable(typeof(Review))]
internal sealed partial class AnswerJson : JsonSerializerContext;

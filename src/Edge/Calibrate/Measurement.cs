using System.Text.Json.Serialization;
using Vlm.Cryptogram;
using Vlm.Gating;
using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Statistics;

namespace Vlm.Edge.Calibrate;

/// <summary>What a package made of one labelled puzzle.</summary>
internal sealed record Measurement
{
    public required int Index { get; init; }

    public required string Name { get; init; }

    public int? Severity { get; init; }

    public required Stratum Stratum { get; init; }

    /// <summary>Whether the sheet is somewhere in a larger frame.</summary>
    public bool IsScene { get; init; }

    public required string Expected { get; init; }

    /// <summary>Null when the reply could not be read.</summary>
    public string? Answer { get; init; }

    public required IReadOnlyList<Verifier> HardFailures { get; init; }

    /// <summary>In the order of <see cref="Signals.Names"/>.</summary>
    public required double[] Signals { get; init; }

    /// <summary>SHA-256 of picture, code and answer.</summary>
    public required string PuzzleHash { get; init; }

    public static Measurement From(int index, LabelledPuzzle puzzle, Solution solution) => new()
    {
        Index = index,
        Name = puzzle.Name,
        Severity = puzzle.Severity,
        Stratum = puzzle.Stratum,
        IsScene = puzzle.IsScene,
        Expected = puzzle.Answer,
        Answer = solution.Answer,
        HardFailures = Verifiers.Check(solution.Reply, puzzle.Code).HardFailures,
        Signals = [.. Gating.Signals.Of(solution).Values],
        PuzzleHash = puzzle.Hash(),
    };

    /// <summary>Whether the picture shows every letter of the code.</summary>
    [JsonIgnore]
    public bool IsReadable => Calibration.IsReadable(Stratum);

    [JsonIgnore]
    public bool IsCorrect => Answer == Expected;

    /// <summary>Whether the answer may be used as it is: what cannot be read has no right answer in letters, even where a guess would be right.</summary>
    [JsonIgnore]
    public bool IsRightlyAnswered => IsReadable && IsCorrect;

    /// <summary>Whether the answer has letters that the model did not see: a statement about the picture, and nothing to accept.</summary>
    [JsonIgnore]
    public bool HasUnseen => Answer?.Contains(Message.Unseen, StringComparison.Ordinal) == true;

    /// <param name="withVerifiers">Whether every hard failure rules an answer out, or only an unreadable reply.</param>
    public bool IsRuledOut(bool withVerifiers = true) => HasUnseen || (withVerifiers ? HardFailures.Count > 0 : Answer is null);

    public LabelledSignals ToLabelled(bool withVerifiers = true) => new(new SignalVector(Signals), IsRuledOut(withVerifiers), IsRightlyAnswered);

    /// <summary>As the daemon would see it: no confidence at all in what is ruled out.</summary>
    public ScoredAnswer Scored(Calibrator calibrator, bool withVerifiers = true) =>
        new(IsRuledOut(withVerifiers) ? 0 : calibrator.Confidence(new SignalVector(Signals)), IsRightlyAnswered);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Measurement))]
internal sealed partial class MeasurementJson : JsonSerializerContext;

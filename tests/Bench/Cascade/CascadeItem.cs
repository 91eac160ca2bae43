using System.Text.Json.Serialization;
using Vlm.Cryptogram;
using Vlm.Edge.Escalations;
using Vlm.Gating;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Bench.Cascade;

/// <summary>What both models made of one puzzle: all that any threshold needs.</summary>
/// <param name="Index">The puzzle's index in its split.</param>
/// <param name="Expected">The right answer.</param>
/// <param name="Edge">The small model's answer; null when its reply could not be read.</param>
/// <param name="Confidence">The gate's.</param>
/// <param name="HasHardFailure">Whether a verifier rules the small model's answer out.</param>
/// <param name="EdgeSeconds">Small model and gate.</param>
/// <param name="Larger">The larger model's answer; null when the client would not use it: it cannot be read, or a verifier rules it out.</param>
/// <param name="LargerSeconds">The larger model, without network.</param>
/// <param name="Bytes">Body of the request to it.</param>
public sealed record CascadeItem(
    long Index, string Expected, string? Edge, double Confidence, bool HasHardFailure, double EdgeSeconds, string? Larger, double LargerSeconds, long Bytes)
{
    /// <summary>Solves a puzzle with both models, one question at a time, as the daemon does.</summary>
    public static CascadeItem Solve(long index, Puzzle puzzle, (Solver Edge, Gate Gate, Solver Larger) models)
    {
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        var question = new Question(puzzle.Picture, puzzle.Code);
        var local = models.Edge.Solve(question);
        var assessment = models.Gate.Assess(local);
        var edgeSeconds = clock.GetElapsedTime(started).TotalSeconds;
        var body = ChatRequest.Body(
            new Escalation($"{index}", new PictureRules().Apply(puzzle.Picture), puzzle.Code, DateTimeOffset.UnixEpoch, local.Answer, default),
            new EndpointOptions());
        started = clock.GetTimestamp();
        var larger = models.Larger.Solve(question);
        var isUsable = Verifiers.Check(larger.Reply, puzzle.Code).HardFailures.Count == 0;
        return new CascadeItem(
            index, puzzle.Answer, local.Answer, assessment.Confidence, assessment.HardFailures.Count > 0, edgeSeconds,
            isUsable ? larger.Answer : null, clock.GetElapsedTime(started).TotalSeconds, body.Length);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = false)]
[JsonSerializable(typeof(CascadeItem))]
internal sealed partial class CascadeItemJson : JsonSerializerContext;

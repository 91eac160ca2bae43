using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vlm.Cryptogram;
using Vlm.Gating;
using Vlm.Solving;

namespace Vlm.Edge.Solve;

/// <summary>Milliseconds of each phase.</summary>
internal sealed record TimingsReport(double DecodePicture, double Find, double Patches, double Vision, double Prefill, double Decode, double Total)
{
    public static TimingsReport From(SolveTimings timings) => new(
        Milliseconds(timings.Decoding),
        Milliseconds(timings.Finding),
        Milliseconds(timings.Patches),
        Milliseconds(timings.Vision),
        Milliseconds(timings.Prefill),
        Milliseconds(timings.Decode),
        Milliseconds(timings.Total));

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 2);
}

/// <summary>A sheet that was cut out of a picture.</summary>
/// <param name="Corners">x and y of its four corners in pixels of the picture, clockwise from the top left.</param>
/// <param name="Presence">Probability that a sheet is there.</param>
internal sealed record SheetReport(double[][] Corners, double Presence)
{
    public static SheetReport? From(SheetLook? look) => look?.Sheet is { } sheet
        ? new SheetReport([.. sheet.Corners.Corners.Select(c => new[] { Math.Round(c.X, 1), Math.Round(c.Y, 1) })], Math.Round(sheet.Presence, 4))
        : null;
}

/// <summary>What is printed for one picture: the answer, or an error.</summary>
internal sealed record SolveReport
{
    public required string Picture { get; init; }

    public required string Code { get; init; }

    public string? Text { get; init; }

    /// <summary>What the picture lets one say: answered, unreadable or no_decoder; null without an answer.</summary>
    public string? Status { get; init; }

    /// <summary>The letters of the code that the picture does not show; null when it shows all.</summary>
    public IReadOnlyList<char>? Unseen { get; init; }

    /// <summary>The probability that the answer is right, when the package has a gate; otherwise the raw one.</summary>
    public double? Confidence { get; init; }

    /// <summary><see cref="Solution.RawConfidence"/>; only beside a calibrated one.</summary>
    public double? RawConfidence { get; init; }

    /// <summary>Whether the gate's certificate covers the answer; null without a gate.</summary>
    public bool? Certified { get; init; }

    /// <summary>Why no cipher gives this answer; null without a gate or a failure.</summary>
    public IReadOnlyList<string>? HardFailures { get; init; }

    /// <summary>True where looks at the picture left letters unsure and the word list had a say in them.</summary>
    public bool? LeantOnWords { get; init; }

    /// <summary>Degrees clockwise by which the picture was turned because the sheet hangs sideways; null for none.</summary>
    public int? Turned { get; init; }

    /// <summary>The sheet that was cut out of the picture; null where it was read as it is.</summary>
    public SheetReport? Sheet { get; init; }

    public string? Expected { get; init; }

    public bool? Correct { get; init; }

    public string? FinishReason { get; init; }

    [JsonPropertyName("timings")]
    public TimingsReport? TimingsMs { get; init; }

    /// <summary>What is wrong with the picture's file though all of it could be read.</summary>
    public string? Warning { get; init; }

    public string? Error { get; init; }

    public static SolveReport From(SolveItem item, Solution solution, Assessment? assessment) => new()
    {
        Picture = item.Name,
        Code = solution.Question.Code,
        Text = solution.Answer,
        Status = solution.Status is { } status ? Name(status) : null,
        Unseen = solution.Unseen is { Count: > 0 } unseen ? unseen : null,
        Confidence = Round(assessment?.Confidence ?? solution.RawConfidence),
        RawConfidence = assessment is null ? null : Round(solution.RawConfidence),
        Certified = assessment?.IsConfident,
        HardFailures = assessment is { HardFailures.Count: > 0 } ? [.. assessment.HardFailures.Select(Name)] : null,
        LeantOnWords = solution.Generation.Reading.LeantOnWords ? true : null,
        Turned = solution.QuarterTurns == 0 ? null : 90 * solution.QuarterTurns,
        Sheet = SheetReport.From(solution.Sheet),
        Expected = item.Expected,
        Correct = item.Expected is null ? null : item.Expected == solution.Answer,
        FinishReason = Name(solution.Generation.Finish),
        TimingsMs = TimingsReport.From(solution.Timings),
        Error = solution.Reply is ReplyResult.ParseFailure failure ? $"The model's reply cannot be read: {failure.Detail}." : null,
    };

    public static SolveReport From(SolveItem item, string error) =>
        new() { Picture = item.Name, Code = item.Code, Expected = item.Expected, Correct = item.Expected is null ? null : false, Error = error };

    private static double? Round(double? confidence) => confidence is { } number ? Math.Round(number, 6) : null;

    private static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public string ToJson() => JsonSerializer.Serialize(this, EdgeJson.Relaxed.SolveReport);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SolveReport))]
internal sealed partial class EdgeJson : JsonSerializerContext
{
    // File names and messages stay readable: nothing here is put into a web page.
    public static EdgeJson Relaxed => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

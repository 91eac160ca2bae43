using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vlm.Text;

namespace Vlm.Edge.Doctor;

/// <summary>One diagnosis in JSON.</summary>
internal sealed record DiagnosisBody(string Topic, string? Item, bool Usable, bool Needed, string Found, [property: JsonPropertyName("to_do")] string? ToDo)
{
    public static DiagnosisBody From(Diagnosis finding) => new(
        finding.Topic.ToLabel(), finding.Item.Length > 0 ? finding.Item : null, finding.IsUsable, finding.IsNeeded, finding.Found, finding.ToDo);
}

/// <summary>The report in JSON.</summary>
/// <param name="Usable">Whether all that the configuration needs is usable.</param>
/// <param name="Findings">In the order of the report.</param>
internal sealed record DoctorBody(bool Usable, IReadOnlyList<DiagnosisBody> Findings);

/// <summary>Findings for people and for programs.</summary>
internal static class DoctorReport
{
    /// <summary>A line for each, what to do under it, and what it comes to at the end.</summary>
    public static string Text(IReadOnlyList<Diagnosis> findings)
    {
        var text = new StringBuilder();
        var width = findings.Max(finding => Name(finding).Length);
        foreach (var finding in findings)
        {
            var sign = finding switch { { IsUsable: true } => "ok    ", { IsNeeded: true } => "FAILED", _ => "-     " };
            text.Append(sign).Append("  ").Append(Name(finding).PadRight(width)).Append("  ").AppendLine(finding.Found);
            if (finding.ToDo is { } toDo && (finding.IsFault || finding.IsUsable)) text.Append(' ', 10 + width).AppendLine(toDo);
        }
        var faults = findings.Count(finding => finding.IsFault);
        return text.AppendLine().Append(faults switch
        {
            0 => "All that the configuration needs can be used.",
            1 => "1 thing that the configuration needs cannot be used.",
            _ => $"{faults} things that the configuration needs cannot be used.",
        }).ToString();
    }

    /// <summary>One object on one line.</summary>
    public static string Json(IReadOnlyList<Diagnosis> findings) => JsonSerializer.Serialize(
        new DoctorBody(!findings.Any(finding => finding.IsFault), [.. findings.Select(DiagnosisBody.From)]), DoctorJson.Relaxed.DoctorBody);

    private static string Name(Diagnosis finding) => $"{finding.Topic.ToLabel()} {finding.Item}".TrimEnd();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DoctorBody))]
internal sealed partial class DoctorJson : JsonSerializerContext
{
    // Paths and messages stay readable: nothing here is put into a web page.
    public static DoctorJson Relaxed => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

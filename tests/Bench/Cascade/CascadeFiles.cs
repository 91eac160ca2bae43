using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vlm.Bench.Cascade;

/// <summary>A cascade report as JSON and as Markdown, and where the two are kept.</summary>
public static class CascadeFiles
{
    /// <summary>Writes both files into a folder, which is made when absent, and returns the Markdown file's path.</summary>
    public static string Save(CascadeReport report, string folder)
    {
        var subject = report.Subject;
        var name = $"cascade-{subject.Edge}-{subject.Larger}-{subject.Split}{(subject.Severity is null ? "" : $"-{subject.Severity}")}";
        return ReportFolder.Save(folder, name, JsonSerializer.Serialize(report, CascadeReportJson.Default.CascadeReport), Markdown(report));
    }

    public static string Markdown(CascadeReport report)
    {
        var subject = report.Subject;
        var text = new StringBuilder();
        text.Append($"# Cascade: {subject.Edge} then {subject.Larger}, split {subject.Split}\n\n");
        var severity = subject.Severity is null ? "" : $", severity {subject.Severity}";
        text.Append($"{report.Rows[0].Count} puzzles, seed {subject.Seed}{severity}; one question at a time; "
            + $"certified risk at most {subject.CertifiedRisk * 100:F1} %; {subject.Date}.\n");
        text.Append($"{subject.Machine}; {subject.Versions}. Models {subject.EdgeHash[..12]} and {subject.LargerHash[..12]}. Times without network; "
            + "bytes are those of the requests.\n\n");
        text.Append("| | threshold | right | exact match | 95 % interval | escalated | wrong of the kept | p50 / p95 / p99 ms | bytes per question |\n"
            + "|---|---:|---:|---:|---|---:|---:|---:|---:|\n");
        foreach (var row in report.Rows) text.Append(Line(row));
        return text.ToString();
    }

    private static string Line(CascadeRow row)
    {
        var kept = row.Count - row.Escalated;
        var wrong = row.WrongKept is { } count ? kept == 0 ? "0 of 0" : $"{count} of {kept} ({100.0 * count / kept:F2} %)" : "";
        return $"| {row.Name} | {row.Threshold:F4} | {row.Right} | {100.0 * row.Right / row.Count:F2} % | {row.Low * 100:F2} – {row.High * 100:F2} % "
            + $"| {100.0 * row.Escalated / row.Count:F2} % | {wrong} | {row.P50 * 1000:F0} / {row.P95 * 1000:F0} / {row.P99 * 1000:F0} "
            + $"| {row.BytesPerQuestion:F0} |\n";
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CascadeReport))]
internal sealed partial class CascadeReportJson : JsonSerializerContext;

using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vlm.Bench.Quality;

/// <summary>A report as JSON and as Markdown, and where the two are kept.</summary>
public static class ReportFiles
{
    /// <summary>Writes both files into a folder, which is made when absent, and returns the Markdown file's path.</summary>
    public static string Save(QualityReport report, string folder)
    {
        var subject = report.Subject;
        string name = $"quality-{subject.Model}-{subject.Precision}-{subject.Split}";
        if (subject.Stratum is not null)
            name += $"-{subject.Stratum}";
        if (subject.Severity is not null)
            name += $"-{subject.Severity}";
        if (subject.IsConstrained == false)
            name += "-free";
        return ReportFolder.Save(folder, name, JsonSerializer.Serialize(report, ReportJson.Default.QualityReport), Markdown(report));
    }

    public static string Markdown(QualityReport report)
    {
        var subject = report.Subject;
        var text = new StringBuilder();
        string stratum = subject.Stratum is null ? "" : $", stratum {subject.Stratum}";
        text.Append($"# Quality: {subject.Model}, split {subject.Split}{stratum}\n\n");
        string severity = subject.Severity is null ? "" : $", severity {subject.Severity}";
        string free = subject.IsConstrained == false ? ", not held to the layout of replies" : "";
        text.Append($"{report.Total.Count} puzzles, seed {subject.Seed}{severity}; {subject.Precision}, batches of {subject.Batch}, greedy{free}; "
            + $"{subject.Date}.\n");
        text.Append($"{subject.Machine}; {subject.Versions}. Model {subject.ModelHash[..12]}.\n\n");
        AppendScores(text, [.. report.PerWords, report.Total]);
        if (report.PerSeverity.Count > 0)
            AppendScores(text, report.PerSeverity);
        var unseen = report.Unseen;
        text.Append($"Letters that the picture does not show: {unseen.Unseen}, called unseen {unseen.Rightly}; letters that it shows: {unseen.Shown}, "
            + $"called unseen {unseen.Wrongly}. ");
        text.Append($"Said to hold no decoder: {unseen.NoDecoder} pictures.\n\n");
        var seconds = report.Seconds;
        text.Append($"Seconds per solve: mean {seconds.Mean:F3}, p50 {seconds.P50:F3}, p95 {seconds.P95:F3}; {report.TokensPerReply:F1} tokens per reply.\n");
        text.Append(report.Failures.Count == 0
            ? "Every reply could be read.\n"
            : $"Replies that could not be read: {string.Join(", ", report.Failures.Select(failure => $"{failure.Key} {failure.Value}"))}.\n");
        AppendMistakes(text, report.Mistakes);
        return text.ToString();
    }

    private static void AppendScores(StringBuilder text, IReadOnlyList<GroupScore> scores)
    {
        text.Append("| | right | of | exact match | 95 % interval |\n|---|---:|---:|---:|---|\n");
        foreach (var score in scores)
            text.Append($"| {score.Group} | {score.Right} | {score.Count} | {score.Share * 100:F2} % | {score.Low * 100:F2} – {score.High * 100:F2} % |\n");
        text.Append('\n');
    }

    private static void AppendMistakes(StringBuilder text, IReadOnlyList<QualityItem> mistakes)
    {
        if (mistakes.Count == 0)
            return;
        text.Append($"\nThe first {mistakes.Count} wrong answers:\n\n| puzzle | code | expected | got | confidence |\n|---:|---|---|---|---:|\n");
        foreach (var item in mistakes)
            text.Append($"| {item.Index} | {item.Code} | {item.Expected} | {Got(item)} | {item.Confidence:F3} |\n");
    }

    private static string Got(QualityItem item)
    {
        string text = item.Answer ?? $"({item.Failure!.Reason}) {item.Failure.Detail}";
        return text.Replace("|", "\\|").Replace('\n', ' ');
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QualityReport))]
internal sealed partial class ReportJson : JsonSerializerContext;

using System.Text.Json;
using Vlm.Bench.Quality;

namespace Vlm.Bench.Tests;

public sealed class QualityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quality-").FullName;

    [Fact]
    public void A_report_counts_per_words_and_per_severity_and_lists_the_first_mistakes()
    {
        var items = Enumerable.Range(0, 300).Select(index => Item(index, right: index % 10 != 0)).Reverse().ToList();

        var report = QualityReport.Of(Subject(), items);

        Assert.Equal((270, 300, 0.9), (report.Total.Right, report.Total.Count, report.Total.Share));
        Assert.Equal(["1 word", "2 words", "3 words"], report.PerWords.Select(score => score.Group));
        Assert.All(report.PerWords, score => Assert.Equal((90, 100), (score.Right, score.Count)));
        Assert.Equal(["severity 0", "severity 1"], report.PerSeverity.Select(score => score.Group));
        Assert.Equal([150, 150], report.PerSeverity.Select(score => score.Count));
        // statsmodels: proportion_confint(270, 300, method="wilson").
        Assert.Equal(0.8609, report.Total.Low, 1e-4);
        Assert.Equal(0.9291, report.Total.High, 1e-4);
        Assert.Equal(Enumerable.Range(0, 20).Select(index => index * 10L), report.Mistakes.Select(item => item.Index));
        Assert.Equal([new("EmptyAnswer", 15)], report.Failures);
        Assert.Equal((1.495, 1.49, 2.84), (report.Seconds.Mean, report.Seconds.P50, report.Seconds.P95), (a, b) => Near(a, b));
    }

    [Fact]
    public void A_report_is_saved_as_json_and_as_markdown_with_the_same_numbers()
    {
        var report = QualityReport.Of(Subject() with { Severity = "1-3" }, [Item(0, right: false), Item(1, right: true)]);

        string path = ReportFiles.Save(report, Path.Combine(_folder, "Results", "cpu"));

        Assert.Equal("quality-tiny-int8-camera-1-3.md", Path.GetFileName(path));
        string markdown = File.ReadAllText(path);
        Assert.Contains("| all | 1 | 2 | 50.00 % | 9.45 – 90.55 % |", markdown);
        Assert.Contains("| 0 | a b | x0 | (EmptyAnswer) a \\| b |  |", markdown);
        using var json = JsonDocument.Parse(File.ReadAllText(Path.ChangeExtension(path, ".json")));
        Assert.Equal(1, json.RootElement.GetProperty("total").GetProperty("right").GetInt32());
        Assert.Equal("camera", json.RootElement.GetProperty("subject").GetProperty("split").GetString());
        Assert.Equal(2, Directory.GetFiles(Path.GetDirectoryName(path)!).Length);
    }

    [Fact]
    public async Task A_command_line_that_is_not_understood_ends_with_2_and_a_missing_model_with_1()
    {
        Assert.Equal(2, await BenchCommand.Run("quality", "--split", "nonsense"));
        Assert.Equal(2, await BenchCommand.Run("quality", "--split", "train"));
        Assert.Equal(2, await BenchCommand.Run("quality", "--count", "0"));
        Assert.Equal(2, await BenchCommand.Run("quality", "--batch", "many"));
        Assert.Equal(2, await BenchCommand.Run("quality", "--seed", "x"));
        Assert.Equal(2, await BenchCommand.Run("quality", "--severity", "9"));
        Assert.Equal(1, await BenchCommand.Run("quality", "--model", Path.Combine(_folder, "nothing")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static QualityItem Item(int index, bool right)
    {
        string expected = string.Join(' ', Enumerable.Repeat($"x{index}", index % 3 + 1));
        bool unreadable = !right && index % 20 == 0;
        return new QualityItem(
            index, "a b", expected, right ? expected : unreadable ? null : "no", unreadable ? new UnreadableReply("EmptyAnswer", "a | b") : null)
        {
            Severity = index % 2,
            Seconds = index / 100.0,
            Tokens = 10,
        };
    }

    private static bool Near((double, double, double) one, (double, double, double) other) =>
        Math.Abs(one.Item1 - other.Item1) < 1e-9 && Math.Abs(one.Item2 - other.Item2) < 1e-9 && Math.Abs(one.Item3 - other.Item3) < 1e-9;

    private static QualitySubject Subject() => new()
    {
        Model = "tiny",
        ModelHash = new string('0', 64),
        Precision = "int8",
        Split = "camera",
        Seed = 1,
        Batch = 2,
        Machine = "a machine",
        Versions = "versions",
        Date = "2026-11-24",
    };
}

using System.Text.Json;
using Vlm.Bench.Quality;
using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Bench.Tests;

public sealed class QualityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quality-").FullName;

    private string Partial => Path.Combine(_folder, "runs", "partial.jsonl");

    [Fact]
    public void A_stopped_run_goes_on_with_the_puzzles_that_are_missing()
    {
        var asked = new List<string>();
        using var stop = new CancellationTokenSource();
        using (var results = new PartialResults(Partial))
        {
            bool finished = Solver(asked).Finish(results, 50, 4, _ => StopAfter(12), stop.Token);
            Assert.False(finished);
            Assert.Equal(12, results.Items.Count);
        }

        using (var results = new PartialResults(Partial))
        {
            Assert.True(Solver(asked).Finish(results, 50, 4, _ => { }, CancellationToken.None));
            Assert.Equal(Enumerable.Range(0, 50).Select(index => (long)index), results.Items.Keys);
        }

        Assert.Equal(50, asked.Count);
        Assert.Equal(50, asked.Distinct().Count());

        void StopAfter(int count)
        {
            if (asked.Count >= count)
                stop.Cancel();
        }
    }

    [Fact]
    public void Results_survive_on_disk_as_they_were_and_a_torn_line_is_cut()
    {
        var right = new QualityItem(7, "a b _ c", "xy z", "xy z", null) { Severity = 2, Seconds = 0.25, Tokens = 40 };
        var unreadable = new QualityItem(3, "a", "x", null, new UnreadableReply("MissingTag", "expected </answer>"));
        using (var results = new PartialResults(Partial))
            results.Add([right, unreadable]);
        File.AppendAllText(Partial, "{\"index\":8,\"co");

        using (var results = new PartialResults(Partial))
            Assert.Equal([unreadable, right], results.Items.Values);

        Assert.Equal(2, File.ReadAllText(Partial).Count(c => c == '\n'));
    }

    [Fact]
    public void A_finished_run_leaves_no_partial_results()
    {
        using var results = new PartialResults(Partial);
        results.Add([new QualityItem(0, "a", "x", "x", null)]);

        results.Delete();

        Assert.False(File.Exists(Partial));
    }

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
        Assert.Equal(2, await Commands.Run(["quality", "--split", "nonsense"]));
        Assert.Equal(2, await Commands.Run(["quality", "--split", "train"]));
        Assert.Equal(2, await Commands.Run(["quality", "--count", "0"]));
        Assert.Equal(2, await Commands.Run(["quality", "--batch", "many"]));
        Assert.Equal(2, await Commands.Run(["quality", "--seed", "x"]));
        Assert.Equal(2, await Commands.Run(["quality", "--severity", "9"]));
        Assert.Equal(1, await Commands.Run(["quality", "--model", Path.Combine(_folder, "nothing")]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static QualityRun Solver(List<string> asked) => new(
        index => new Puzzle($"x{index}", new string('a', (int)(index % 7) + 1), Cipher.Random(SeededRandom.From(index)), new RgbImage(1, 1, new byte[3]), [], PictureKind.Camera, 1),
        puzzles =>
        {
            asked.AddRange(puzzles.Select(puzzle => puzzle.Answer));
            return [.. puzzles.Select(puzzle => new Outcome(puzzle.Answer, null, 0.9, 1))];
        });

    private static QualityItem Item(int index, bool right)
    {
        string expected = string.Join(' ', Enumerable.Repeat($"x{index}", index % 3 + 1));
        bool unreadable = !right && index % 20 == 0;
        return new QualityItem(index, "a b", expected, right ? expected : unreadable ? null : "no", unreadable ? new UnreadableReply("EmptyAnswer", "a | b") : null)
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

using Vlm.Bench.Cascade;

namespace Vlm.Bench.Tests;

public sealed class CascadeTests : IDisposable
{
    private static readonly CascadeSubject Subject =
        new("edge", new string('a', 64), "larger", new string('b', 64), "camera", 1, "1-3", 0.01, "a machine", "versions", "2026-11-24");
    private readonly string _folder = Directory.CreateTempSubdirectory("cascade-").FullName;

    [Fact]
    public void Every_way_of_answering_is_counted_as_the_daemon_would_answer()
    {
        CascadeItem[] items =
        [
            Item(0, edge: "x", confidence: 0.99, larger: "x"),
            Item(1, edge: "y", confidence: 0.95, larger: "x"),
            Item(2, edge: "y", confidence: 0.2, larger: "x"),
            Item(3, edge: "x", confidence: 0.1, larger: "y"),
            // Its answer is ruled out, whatever the confidence; the larger model's cannot be used, so the local one remains.
            Item(4, edge: "x", confidence: 0, larger: null) with { HasHardFailure = true },
        ];

        var report = CascadeReport.Of(Subject, 0.9, items);

        var (alone, certified, larger) = (report.Rows[0], report.Rows.Single(row => row.Threshold == 0.9), report.Rows[^1]);
        Assert.Equal((3, 0, null, 0.0), (alone.Right, alone.Escalated, alone.WrongKept, alone.BytesPerQuestion));
        // 0 right, 1 wrong and kept, 2 mended, 3 spoilt, 4 right because the local answer remains.
        Assert.Equal((3, 3, 1, 600.0), (certified.Right, certified.Escalated, certified.WrongKept, certified.BytesPerQuestion));
        Assert.Equal((4, 5, null, 1000.0), (larger.Right, larger.Escalated, larger.WrongKept, larger.BytesPerQuestion));
        Assert.Equal((0.01, 0.11, 0.1), (alone.P99, certified.P99, larger.P50),
            (a, b) => Math.Abs(a.Item1 - b.Item1) + Math.Abs(a.Item2 - b.Item2) + Math.Abs(a.Item3 - b.Item3) < 1e-9);
        Assert.All(report.Rows.Zip(report.Rows.Skip(1)), pair => Assert.True(pair.First.Escalated <= pair.Second.Escalated));
    }

    [Fact]
    public void A_report_is_saved_as_json_and_as_markdown()
    {
        var path = CascadeFiles.Save(CascadeReport.Of(Subject, 0.9, [Item(0, "x", 0.95, "x"), Item(1, "y", 0.5, "x")]), _folder);

        Assert.Equal("cascade-edge-larger-camera-1-3.md", Path.GetFileName(path));
        Assert.Contains("| cascade, certified threshold | 0.9000 | 2 | 100.00 % | 34.24 – 100.00 % | 50.00 % | 0 of 1 (0.00 %) | 10 / 110 / 110 | 500 |",
            File.ReadAllText(path));
        Assert.True(File.Exists(Path.ChangeExtension(path, ".json")));
    }

    [Fact]
    public async Task A_package_without_a_gate_is_no_cascade()
    {
        Assert.Equal(1, await BenchCommand.Run("cascade", "--edge", Path.Combine(_folder, "nothing")));
        Assert.Equal(2, await BenchCommand.Run("cascade", "--split", "train"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static CascadeItem Item(long index, string edge, double confidence, string? larger) =>
        new(index, "x", edge, confidence, false, 0.01, larger, 0.1, 1000);
}

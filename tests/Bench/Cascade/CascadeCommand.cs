using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Vlm.CommandLine;
using Vlm.Engine;
using Vlm.Files;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Bench.Cascade;

/// <summary><c>cascade</c>: what would every threshold have given, and at what cost?</summary>
internal static class CascadeCommand
{
    public static Command Create()
    {
        var edge = CheckedOption.Model("--edge", description: "Folder of the small model's package, with its gate.");
        var larger = CheckedOption.Model("--larger", "models/cryptogram-escalation", "Folder of the larger model's package.");
        var count = CheckedOption.Positive("--count", "Puzzles of the split to solve.", 1000);
        var seed = new Option<long>("--seed") { Description = "Seed of the puzzles.", DefaultValueFactory = _ => 1 };
        var split = CheckedOption.Split("Which puzzles.", Split.Clean);
        var severity = CheckedOption.Severity(new SeverityRange(1, 3));
        var stratum = CheckedOption.Stratum();
        var (find, finder) = (CheckedOption.Find(), CheckedOption.Finder());
        var results = ReportFolder.Option();
        var command = new Command(
            "cascade",
            "Accuracy, escalated share, latency and bytes of edge, cascade and larger model alone. Stop it at any time: the same command goes on where it was.")
        {
            edge, larger, count, seed, split, severity, stratum, find, finder, results,
        };
        command.SetAction((result, stop) =>
        {
            Run(
                new CascadeOptions(result.GetRequiredValue(edge), result.GetRequiredValue(larger), result.GetValue(split))
                {
                    Count = result.GetValue(count),
                    Seed = result.GetValue(seed),
                    Severity = result.GetValue(severity),
                    Stratum = result.GetValue(stratum),
                    Search = new SheetSearch(result.GetRequiredValue(finder), result.GetValue(find)),
                    Results = result.GetRequiredValue(results),
                },
                stop);
            return Task.CompletedTask;
        });
        return command;
    }

    /// <exception cref="GateException">The edge package has no gate.</exception>
    /// <exception cref="StoppedException">The run was stopped before the report.</exception>
    private static void Run(CascadeOptions options, CancellationToken stop)
    {
        using var edge = Solver.Open(options.Edge, search: options.Search);
        var gate = Gate.Find(edge.Folder)
            ?? throw new GateException(
                $"'{options.Edge}' has no gate.json, so there is no cascade to measure. The edge program's calibrate command writes one.");
        using var larger = Solver.Open(options.Larger, search: options.Search);
        var subject = Subject(options, edge.Folder, larger.Folder, gate);
        var source = new PuzzleSource(PuzzleOptions.For(options.Split, options.Severity.Low, options.Severity.High).Of(options.Stratum), options.Seed);
        var partial = PartialPath(subject, gate, edge.Finding);
        using var results = new ResultLines<long, CascadeItem>(partial, CascadeItemJson.Default.CascadeItem, item => item.Index);
        long[] wanted = [.. Enumerable.Range(0, options.Count)];
        // One at a time, as the daemon is asked.
        new ResumableRun<long, Puzzle, CascadeItem>(results, batch: 1, source.At, puzzle => puzzle.Code.Length, Solve)
            .Finish(subject.Split, wanted, item => item.Edge == item.Expected, stop);

        var report = CascadeReport.Of(subject, gate.Threshold, [.. wanted.Select(index => results.Items[index])]);
        Console.WriteLine(CascadeFiles.Markdown(report));
        Console.WriteLine($"Saved as {CascadeFiles.Save(report, Path.Combine(options.Results, ThisMachine.Folder))}");
        results.Delete();

        IReadOnlyList<CascadeItem> Solve(IReadOnlyList<(long Index, Puzzle Puzzle)> batch) =>
            [.. batch.Select(item => CascadeItem.Solve(item.Index, item.Puzzle, (edge, gate, larger)))];
    }

    private static CascadeSubject Subject(CascadeOptions options, ModelFolder edge, ModelFolder larger, Gate gate) => new(
        NameOf(edge), edge.Fingerprint, NameOf(larger), larger.Fingerprint, Puzzles(options), options.Seed,
        options.Split == Split.Camera ? options.Severity.ToString() : null, gate.Certificate.Risk, ThisMachine.Line, RuntimeInformation.FrameworkDescription,
        TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));

    private static string Puzzles(CascadeOptions options) =>
        (options.Stratum == Stratum.Whole ? $"{options.Split}" : $"{options.Split}-{options.Stratum}").ToLowerInvariant();

    private static string NameOf(ModelFolder folder) => Path.GetFileName(Path.GetFullPath(folder.Path).TrimEnd(Path.DirectorySeparatorChar));

    // Everything that changes an item is in the name: the puzzles, both models, the gate, how sheets are looked for, and the code that runs them.
    private static string PartialPath(CascadeSubject subject, Gate gate, string? finding)
    {
        var code = typeof(IVisionModel).Module.ModuleVersionId.ToString("N")[..8];
        return Path.Combine("runs", "cascade",
            $"{subject.EdgeHash[..12]}-{subject.LargerHash[..12]}-{gate.Certificate.CalibratorHash[..8]}-"
            + $"{(finding is null ? "" : $"find{finding.Replace(' ', '-')[..12]}-")}{subject.Split}-{subject.Severity ?? "0"}-seed{subject.Seed}-{code}.jsonl");
    }
}

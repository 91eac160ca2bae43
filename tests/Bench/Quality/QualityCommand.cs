using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vlm.CommandLine;
using Vlm.Engine;
using Vlm.Files;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Bench.Quality;

/// <summary><c>quality</c>: how much of a split does a package answer right?</summary>
internal static class QualityCommand
{
    public static Command Create()
    {
        var model = CheckedOption.Model();
        var count = CheckedOption.Positive("--count", "Puzzles of the split to solve.", 5400);
        var split = CheckedOption.Split("Which puzzles.", Split.Clean);
        var batch = CheckedOption.Positive("--batch", "Puzzles per batch.", 16);
        var seed = new Option<long>("--seed") { Description = "Seed of the puzzles.", DefaultValueFactory = _ => 1 };
        var severity = CheckedOption.Severity(new SeverityRange(1, 3));
        var stratum = CheckedOption.Stratum();
        var free = new Option<bool>("--free")
        {
            Description = "Leave the model free: take the most probable token even where it breaks a rule of the cipher or of the reply's layout.",
        };
        var (find, finder) = (CheckedOption.Find(), CheckedOption.Finder());
        var results = ReportFolder.Option();
        var command = new Command("quality", "Exact match of a package over an evaluation split. Stop it at any time: the same command goes on where it was.")
        {
            model, count, split, batch, seed, severity, stratum, free, find, finder, results,
        };
        command.SetAction((result, stop) =>
        {
            Run(
                new QualityOptions(result.GetRequiredValue(model), result.GetValue(split))
                {
                    Count = result.GetValue(count),
                    Batch = result.GetValue(batch),
                    Seed = result.GetValue(seed),
                    Severity = result.GetValue(severity),
                    Stratum = result.GetValue(stratum),
                    Search = new SheetSearch(result.GetRequiredValue(finder), result.GetValue(find)),
                    IsConstrained = !result.GetValue(free),
                    Results = result.GetRequiredValue(results),
                },
                stop);
            return Task.CompletedTask;
        });
        return command;
    }

    /// <exception cref="StoppedException">The run was stopped before the report.</exception>
    private static void Run(QualityOptions options, CancellationToken stop)
    {
        using var solver = Solver.Open(options.Model, search: options.Search);
        var subject = Subject(options, solver);
        var source = new PuzzleSource(PuzzleOptions.For(options.Split, options.Severity.Low, options.Severity.High).Of(options.Stratum), options.Seed);
        using var results = new ResultLines<long, QualityItem>(PartialPath(options, subject), QualityItemJson.Default.QualityItem, item => item.Index);
        long[] wanted = [.. Enumerable.Range(0, options.Count)];
        new ResumableRun<long, Puzzle, QualityItem>(
            results, options.Batch, source.At, puzzle => puzzle.Code.Length, batch => Solve(solver, options.IsConstrained, batch))
            .Finish(subject.Split, wanted, item => item.IsRight, stop);

        var report = QualityReport.Of(subject, [.. wanted.Select(index => results.Items[index])]);
        Console.WriteLine();
        Console.WriteLine(ReportFiles.Markdown(report));
        Console.WriteLine($"Saved as {ReportFiles.Save(report, Path.Combine(options.Results, ThisMachine.Folder))}");
        results.Delete();
    }

    private static List<QualityItem> Solve(Solver solver, bool isConstrained, IReadOnlyList<(long Index, Puzzle Puzzle)> batch)
    {
        var started = Stopwatch.GetTimestamp();
        var questions = batch.Select(item => new Question(item.Puzzle.Picture, item.Puzzle.Code)).ToList();
        var solutions = solver.Solve(questions, new SolveOptions { IsConstrained = isConstrained });
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds / batch.Count;
        return [.. batch.Zip(solutions, (item, solution) => QualityItem.From(item.Index, item.Puzzle, solution) with { Seconds = seconds })];
    }

    private static QualitySubject Subject(QualityOptions options, Solver solver) => new()
    {
        Model = Path.GetFileName(Path.GetFullPath(options.Model).TrimEnd(Path.DirectorySeparatorChar)),
        ModelHash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(options.Model, "manifest.json")))),
        Precision = solver.Folder.Manifest.Precision,
        Split = options.Split.ToString().ToLowerInvariant(),
        Seed = options.Seed,
        Severity = options.Split == Split.Camera ? options.Severity.ToString() : null,
        Stratum = options.Stratum == Stratum.Whole ? null : options.Stratum.ToString().ToLowerInvariant(),
        Batch = options.Batch,
        IsConstrained = options.IsConstrained,
        Finding = solver.Finding,
        Machine = ThisMachine.Line,
        Versions = $"{RuntimeInformation.FrameworkDescription}, ONNX Runtime {OnnxRuntimeVersion()}",
        Date = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
    };

    // Everything that changes an answer is in the name: the puzzles, the model, and the code that runs it.
    private static string PartialPath(QualityOptions options, QualitySubject subject)
    {
        var code = typeof(IVisionModel).Module.ModuleVersionId.ToString("N")[..8];
        var free = options.IsConstrained ? "" : "-free";
        var finding = subject.Finding is { } way ? $"-find{way.Replace(' ', '-')[..12]}" : "";
        var puzzles = $"{subject.Split}-{subject.Stratum ?? "whole"}-{subject.Severity ?? "0"}-seed{subject.Seed}";
        var name = $"{subject.Model}-{subject.ModelHash[..12]}-{puzzles}-batch{subject.Batch}{free}{finding}-{code}.jsonl";
        return Path.Combine("runs", "quality", name);
    }

    private static string OnnxRuntimeVersion()
    {
        var assembly = typeof(Microsoft.ML.OnnxRuntime.InferenceSession).Assembly;
        return assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? assembly.GetName().Version!.ToString();
    }
}

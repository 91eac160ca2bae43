using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Spectre.Console;
using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Bench.Quality;

/// <summary>Runs a package over a split, shows how it gets on, and prints and saves the report.</summary>
public static class QualityCommand
{
    private const int Done = 0, Stopped = 1;
    private const int LineEvery = 160;

    /// <returns>The exit code: 0 when the report is written, 1 when the run was stopped before.</returns>
    public static int Run(QualityOptions options, CancellationToken stop)
    {
        using var solver = Solver.Open(options.Model);
        var subject = Subject(options, solver.Folder);
        var source = new PuzzleSource(PuzzleOptions.For(options.Split, options.Severity.Low, options.Severity.High), options.Seed);
        using var results = new PartialResults(PartialPath(options, subject));
        int known = results.Items.Keys.Count(index => index < options.Count);
        if (known > 0)
            Console.WriteLine($"Going on with {known} puzzles solved before.");

        bool finished = false;
        var run = new QualityRun(source.At, puzzles => Solve(solver, options.IsConstrained, puzzles));
        WithProgress(options, known, progress => finished = run.Finish(results, options.Count, options.Batch, progress, stop));
        if (!finished)
        {
            Console.Error.WriteLine($"Stopped after {results.Items.Count} of {options.Count} puzzles. Give the same command to go on.");
            return Stopped;
        }

        var report = QualityReport.Of(subject, [.. results.Items.Values.Where(item => item.Index < options.Count)]);
        Console.WriteLine();
        Console.WriteLine(ReportFiles.Markdown(report));
        Console.WriteLine($"Saved as {ReportFiles.Save(report, Path.Combine(options.Results, ThisMachine.Folder))}");
        results.Delete();
        return Done;
    }

    private static List<Outcome> Solve(Solver solver, bool isConstrained, IReadOnlyList<Puzzle> puzzles)
    {
        var solutions = solver.Solve([.. puzzles.Select(puzzle => new Question(puzzle.Picture, puzzle.Code))], new SolveOptions { IsConstrained = isConstrained });
        return [.. solutions.Select(solution => new Outcome(
            solution.Answer,
            solution.Reply is ReplyResult.ParseFailure failure ? new UnreadableReply(failure.Reason.ToString(), failure.Detail) : null,
            solution.RawConfidence,
            solution.Generation.Choices.Count))];
    }

    private static void WithProgress(QualityOptions options, int known, Action<Action<IReadOnlyList<QualityItem>>> run)
    {
        int solved = known, right = 0, seen = 0;
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
        {
            run(items =>
            {
                Count(items);
                if (solved / LineEvery != (solved - items.Count) / LineEvery)
                    Console.WriteLine($"{solved}/{options.Count}, exact match {100.0 * right / seen:F2} %");
            });
            return;
        }

        AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var task = context.AddTask($"{options.Split}".ToLowerInvariant(), maxValue: options.Count);
                task.Value = known;
                run(items =>
                {
                    Count(items);
                    task.Description = $"{solved}/{options.Count}, exact match {100.0 * right / seen:F2} %";
                    task.Value = solved;
                });
            });

        void Count(IReadOnlyList<QualityItem> items) =>
            (solved, seen, right) = (solved + items.Count, seen + items.Count, right + items.Count(item => item.IsRight));
    }

    private static QualitySubject Subject(QualityOptions options, ModelFolder folder) => new()
    {
        Model = Path.GetFileName(Path.GetFullPath(options.Model).TrimEnd(Path.DirectorySeparatorChar)),
        ModelHash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(options.Model, "manifest.json")))),
        Precision = folder.Manifest.Precision,
        Split = options.Split.ToString().ToLowerInvariant(),
        Seed = options.Seed,
        Severity = options.Split == Split.Camera ? options.Severity.ToString() : null,
        Batch = options.Batch,
        IsConstrained = options.IsConstrained,
        Machine = ThisMachine.Line,
        Versions = $"{RuntimeInformation.FrameworkDescription}, ONNX Runtime {OnnxRuntimeVersion()}",
        Date = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
    };

    // Everything that changes an answer is in the name: the puzzles, the model, and the code that runs it.
    private static string PartialPath(QualityOptions options, QualitySubject subject)
    {
        string code = typeof(IVisionModel).Module.ModuleVersionId.ToString("N")[..8];
        string free = options.IsConstrained ? "" : "-free";
        string name = $"{subject.Model}-{subject.ModelHash[..12]}-{subject.Split}-{subject.Severity ?? "0"}-seed{subject.Seed}-batch{subject.Batch}{free}-{code}.jsonl";
        return Path.Combine("runs", "quality", name);
    }

    private static string OnnxRuntimeVersion()
    {
        var assembly = typeof(Microsoft.ML.OnnxRuntime.InferenceSession).Assembly;
        return assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? assembly.GetName().Version!.ToString();
    }
}

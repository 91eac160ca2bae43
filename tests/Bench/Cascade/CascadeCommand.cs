using System.Globalization;
using System.Runtime.InteropServices;
using Vlm.Bench.Quality;
using Vlm.Engine;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Bench.Cascade;

/// <summary>Runs both models over a split and prints and saves what every threshold would have come to.</summary>
public static class CascadeCommand
{
    private const int Done = 0, Stopped = 1;
    private const int LineEvery = 100;

    /// <returns>The exit code: 0 when the report is written, 1 when the run was stopped before.</returns>
    /// <exception cref="GateException">The edge package has no gate.</exception>
    public static int Run(CascadeOptions options, CancellationToken stop)
    {
        using var edge = Solver.Open(options.Edge);
        var gate = Gate.Find(edge.Folder) ?? throw new GateException($"'{options.Edge}' has no gate.json, so there is no cascade to measure. The edge program's calibrate command writes one.");
        using var larger = Solver.Open(options.Larger);
        var subject = Subject(options, edge.Folder, larger.Folder, gate);
        var source = new PuzzleSource(PuzzleOptions.For(options.Split, options.Severity.Low, options.Severity.High), options.Seed);
        using var results = new PartialResults<CascadeItem>(PartialPath(subject, gate), CascadeItemJson.Default.CascadeItem, item => item.Index);
        if (!Finish(options.Count, index => CascadeItem.Of(index, source.At(index), (edge, gate, larger)), results, stop))
        {
            Console.Error.WriteLine($"Stopped after {results.Items.Count} of {options.Count} puzzles. Give the same command to go on.");
            return Stopped;
        }
        var report = CascadeReport.Of(subject, gate.Threshold, [.. results.Items.Values.Where(item => item.Index < options.Count)]);
        Console.WriteLine(CascadeFiles.Markdown(report));
        Console.WriteLine($"Saved as {CascadeFiles.Save(report, Path.Combine(options.Results, ThisMachine.Folder))}");
        results.Delete();
        return Done;
    }

    /// <summary>Solves what is missing, keeping every puzzle as soon as it is done.</summary>
    public static bool Finish(int count, Func<long, CascadeItem> solve, PartialResults<CascadeItem> results, CancellationToken stop)
    {
        for (long index = 0; index < count; index++)
        {
            if (results.Items.ContainsKey(index)) continue;
            if (stop.IsCancellationRequested) return false;
            results.Add([solve(index)]);
            if (results.Items.Count % LineEvery == 0) Console.WriteLine($"{results.Items.Count}/{count}");
        }
        return true;
    }

    private static CascadeSubject Subject(CascadeOptions options, ModelFolder edge, ModelFolder larger, Gate gate) => new(
        NameOf(edge), edge.Fingerprint, NameOf(larger), larger.Fingerprint, options.Split.ToString().ToLowerInvariant(), options.Seed,
        options.Split == Split.Camera ? options.Severity.ToString() : null, gate.Certificate.Risk, ThisMachine.Line, RuntimeInformation.FrameworkDescription,
        TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));

    private static string NameOf(ModelFolder folder) => Path.GetFileName(Path.GetFullPath(folder.Path).TrimEnd(Path.DirectorySeparatorChar));

    // Everything that changes an item is in the name: the puzzles, both models, the gate, and the code that runs them.
    private static string PartialPath(CascadeSubject subject, Gate gate)
    {
        string code = typeof(IVisionModel).Module.ModuleVersionId.ToString("N")[..8];
        return Path.Combine("runs", "cascade",
            $"{subject.EdgeHash[..12]}-{subject.LargerHash[..12]}-{gate.Certificate.CalibratorHash[..8]}-{subject.Split}-{subject.Severity ?? "0"}-seed{subject.Seed}-{code}.jsonl");
    }
}

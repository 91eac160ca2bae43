using System.Security.Cryptography;
using System.Text;
using Vlm.CommandLine;
using Vlm.Drawing;
using Vlm.Engine;
using Vlm.Files;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Edge.Calibrate;

/// <summary>Measures, fits, certifies, and writes the gate and the report. The only place of the command with effects.</summary>
internal sealed class CalibrateRun(CalibrateOptions options, TimeProvider time)
{
    /// <returns>The process's exit code.</returns>
    public int Run(CancellationToken cancellation)
    {
        var puzzles = LabelledPuzzles.From(options);
        var promise = new Promise(options.Risk, options.Delta);
        var (folder, measured) = Measure(options.Model, puzzles, [.. Enumerable.Range(0, puzzles.Count)], cancellation);
        var splits = CalibrationSplits.Of([.. measured.Values], options.Seed);
        if (splits.Fit.All(item => item.IsRuledOut()))
            return Refuse(Calibration.Missing(splits, calibrator: null, promise), puzzles, promise);
        var certified = Calibration.Fit(splits, Signals.Names, promise);
        if (certified.Threshold is not { } threshold || !(threshold.Threshold > 0))
            return Refuse(Calibration.Missing(splits, certified.Calibrator, promise), puzzles, promise);

        var gate = ToGate(certified, threshold, splits, (folder, puzzles, DataSetHash(measured)));
        var larger = options.Larger is { } path
            ? Measure(path, puzzles, [.. splits.Report.Select(item => item.Index)], cancellation).Measured
            : null;
        var report = ReportFigures.Of(Name(options.Model), gate, splits, larger) with { Larger = options.Larger is { } model ? Name(model) : null };
        var page = Path.Combine(options.Runs, $"{Name(options.Model)}-{folder.Fingerprint[..12]}-{puzzles.Key}.html");
        File.WriteAllText(page, ReportPage.Of(report));
        var target = Path.Combine(options.Model, ModelFolder.GateName);
        gate.Save(target);
        Print(report, [target, page, .. WritePictures(report, Path.ChangeExtension(page, null))]);
        return ExitCode.Success;
    }

    private (ModelFolder Folder, IReadOnlyDictionary<int, Measurement> Measured) Measure(
        string model, LabelledPuzzles puzzles, int[] indices, CancellationToken cancellation)
    {
        using var solver = Solver.Open(model, new EngineOptions { Threads = options.Threads });
        // Everything that changes an answer or a signal is in the name: the package, the puzzles, the batch, and the code that runs them.
        var code = typeof(Solver).Module.ModuleVersionId.ToString("N")[..8];
        var file = $"{Name(model)}-{solver.Folder.Fingerprint[..12]}-{puzzles.Key}-batch{options.Batch}-{code}.jsonl";
        using var results = new ResultLines<int, Measurement>(Path.Combine(options.Runs, file), MeasurementJson.Default.Measurement, item => item.Index);
        new ResumableRun<int, LabelledPuzzle, Measurement>(results, options.Batch, puzzles.At, puzzle => puzzle.Code.Length, Ask)
            .Finish(Name(model), indices, item => item.IsCorrect, cancellation);
        return (solver.Folder, indices.ToDictionary(index => index, index => results.Items[index]));

        IReadOnlyList<Measurement> Ask(IReadOnlyList<(int Index, LabelledPuzzle Puzzle)> batch)
        {
            var solutions = solver.Solve([.. batch.Select(item => new Question(item.Puzzle.Picture, item.Puzzle.Code))], cancellation: cancellation);
            return [.. batch.Zip(solutions, (item, solution) => Measurement.From(item.Index, item.Puzzle, solution))];
        }
    }

    private Gate ToGate(
        CertifiedCalibrator certified, CertifiedThreshold threshold, CalibrationSplits splits, (ModelFolder Folder, LabelledPuzzles Puzzles, string Hash) measured) => new()
        {
            Format = Gate.CurrentFormat,
            Calibrator = certified.Calibrator,
            Threshold = threshold.Threshold,
            Certificate = new Certificate
            {
                Risk = options.Risk,
                Delta = options.Delta,
                Accepted = threshold.Groups[0].Accepted,
                Errors = threshold.Groups[0].Errors,
                PValue = threshold.PValue,
                Coverage = (double)threshold.Groups[0].Accepted / splits.Certify.Count,
                SgrThreshold = certified.SgrThreshold?.Threshold,
                Splits = new SplitSizes(splits.Fit.Count, splits.Certify.Count, splits.Report.Count),
                SplitSeed = options.Seed,
                DataSet = measured.Puzzles.Description,
                DataSetHash = measured.Hash,
                ModelHash = measured.Folder.Fingerprint,
                Precision = measured.Folder.Manifest.Precision,
                CalibratorHash = certified.Calibrator.Hash(),
                Date = time.GetUtcNow(),
            },
        };

    /// <summary>The page's plots as PNG files beside it.</summary>
    /// <returns>Their paths; none on a box without fonts, which has the page all the same.</returns>
    private static IReadOnlyList<string> WritePictures(CalibrationReport report, string stem)
    {
        FontFace face;
        try
        {
            face = Fonts.For("0123456789%.:-()");
        }
        catch (UserException error)
        {
            Console.Error.WriteLine($"No PNG of the plots: {error.Message}");
            return [];
        }

        (string Path, Plot Plot)[] pictures =
        [
            ($"{stem}-risk-coverage.png", ReportPlots.RiskCoverage(report)),
            ($"{stem}-reliability.png", ReportPlots.Reliability(report)),
            ($"{stem}-deferral.png", ReportPlots.Deferral(report)),
        ];
        foreach (var (path, plot) in pictures) File.WriteAllBytes(path, ImageCodec.EncodePng(PngPen.Draw(plot, face)));
        return [.. pictures.Select(picture => picture.Path)];
    }

    private static string DataSetHash(IReadOnlyDictionary<int, Measurement> measured)
    {
        var lines = measured.OrderBy(item => item.Key).Select(item => item.Value.PuzzleHash + "\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }

    private static int Refuse(long? missing, LabelledPuzzles puzzles, Promise promise)
    {
        var wanted = $"a risk of {promise.Risk * 100:0.##} % at {(1 - promise.Delta) * 100:0.##} % confidence";
        Console.Error.WriteLine(missing is { } count
            ? $"{puzzles.Count} labelled puzzles are too few to certify {wanted}: about {count} more are needed. Nothing was written."
            : $"{wanted} cannot be certified: at every threshold more of the accepted answers are wrong than that, and more puzzles would not help. "
                + "Train the model further or allow a greater --risk. Nothing was written.");
        return ExitCode.Failed;
    }

    private static void Print(CalibrationReport report, IReadOnlyList<string> written)
    {
        var (all, certificate) = (report.Groups[0], report.Gate.Certificate);
        Console.WriteLine(
            $"Certified: risk ≤ {certificate.Risk * 100:0.##} % at {(1 - certificate.Delta) * 100:0.##} % confidence; {certificate.Errors} of {certificate.Accepted} wrong, " +
            $"p = {certificate.PValue:G3}, threshold {report.Gate.Threshold:F6}, {certificate.Coverage * 100:F1} % accepted.");
        Console.WriteLine(
            $"Report split: {all.Correct} of {all.Count} right; {all.Accepted} accepted, {all.Errors} of them wrong; AUROC {Auroc(report.Confidence.Auroc)}, " +
            $"calibration error {report.Confidence.CalibrationError:F4}.");
        if (all.SystemCorrect is { } system) Console.WriteLine($"With {report.Larger} for the rest: {system} of {all.Count} right, {all.Count - all.Accepted} escalated.");
        foreach (var row in report.Ablation)
        {
            var coverage = row.CertifiedCoverage is { } share ? $"{share * 100:F1} %" : "none";
            Console.WriteLine($"  {row.Signals}: AUROC {Auroc(row.Auroc)}, AURC {row.Aurc:F5}, certified coverage {coverage}");
        }

        Console.WriteLine($"Wrote {string.Join(", ", written)}");
    }

    // Undefined where all answers are right.
    private static string Auroc(double? value) => value is { } number ? $"{number:F4}" : "–";

    private static string Name(string folder) => Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar));
}

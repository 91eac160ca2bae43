using System.Security.Cryptography;
using System.Text;
using Vlm.CommandLine;
using Vlm.Drawing;
using Vlm.Engine;
using Vlm.Files;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Statistics;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Edge.Calibrate;

/// <summary>Measures, fits, certifies, and writes the gate and the report. The only place of the command with effects.</summary>
internal sealed class CalibrateRun(CalibrateOptions options, TimeProvider time)
{
    /// <returns>The process's exit code.</returns>
    public int Run(CancellationToken cancellation)
    {
        var puzzles = LabelledPuzzles.From(options);
        var promise = new Promise(options.Risk, options.Delta) { Strata = options.Promised, Coverage = options.Coverage };
        var (model, measured) = Measure(options.Model, puzzles, puzzles.Indices, cancellation);
        var splits = CalibrationSplits.Of([.. measured.Values], options.Seed);
        if (splits.Fit.All(item => item.IsRuledOut())) return Refuse(splits, calibrator: null, promise);
        var certified = Calibration.Fit(splits, Signals.Names, promise);
        if (certified.Threshold is not { } threshold || !(threshold.Threshold > 0)) return Refuse(splits, certified.Calibrator, promise);

        var gate = ToGate(certified, threshold, splits, promise, (model, puzzles, DataSetHash(measured)));
        var larger = options.Larger is { } path
            ? Measure(path, puzzles, [.. splits.Report.Where(item => item.IsReadable).Select(item => item.Index)], cancellation).Measured
            : null;
        var report = ReportFigures.Of(Name(options.Model), gate, (splits, promise), larger) with
        {
            Larger = options.Larger is null ? null : Name(options.Larger),
        };
        var worst = report.Strata.SelectMany(stratum => stratum.Worst);
        report = report with { Pictures = worst.ToDictionary(item => item.Index, item => Thumbnail(puzzles.At(item.Index).Picture)) };
        var page = Path.Combine(options.Runs, $"{Name(options.Model)}-{model.Folder.Fingerprint[..12]}-{puzzles.Key}.html");
        File.WriteAllText(page, ReportPage.Of(report));
        var target = Path.Combine(options.Model, ModelFolder.GateName);
        gate.Save(target);
        Print(report, [target, page, .. WritePictures(report, Path.ChangeExtension(page, null))]);
        return ExitCode.Success;
    }

    private (MeasuredModel Model, IReadOnlyDictionary<int, Measurement> Measured) Measure(
        string model, LabelledPuzzles puzzles, IReadOnlyList<int> indices, CancellationToken cancellation)
    {
        using var solver = Solver.Open(model, options.Engine, options.Search);
        ProviderNotice.Tell(solver, isAsked: options.Engine.Provider != ProviderKind.Auto);
        // A graphics card's last digits are its own.
        var provider = solver.Placement.Provider is var place and not ProviderKind.Cpu ? $"-{place.ToLabel()}" : "";
        // Everything that changes an answer or a signal is in the name: the package, the puzzles, the batch, and the code that runs them.
        var code = typeof(Solver).Module.ModuleVersionId.ToString("N")[..8];
        var finding = solver.Finding is { } way ? $"-find{way.Replace(' ', '-')[..12]}" : "";
        var file = $"{Name(model)}-{solver.Folder.Fingerprint[..12]}-{puzzles.Key}-batch{options.Batch}{provider}{finding}-{code}.jsonl";
        using var results = new ResultLines<int, Measurement>(Path.Combine(options.Runs, file), MeasurementJson.Default.Measurement, item => item.Index);
        new ResumableRun<int, LabelledPuzzle, Measurement>(results, options.Batch, puzzles.At, puzzle => puzzle.Code.Length, Ask)
            .Finish(Name(model), indices, item => item.IsCorrect, cancellation);
        return (new MeasuredModel(solver.Folder, solver.Finding), indices.ToDictionary(index => index, index => results.Items[index]));

        IReadOnlyList<Measurement> Ask(IReadOnlyList<(int Index, LabelledPuzzle Puzzle)> batch)
        {
            var solutions = solver.Solve([.. batch.Select(item => new Question(item.Puzzle.Picture, item.Puzzle.Code))], cancellation: cancellation);
            return [.. batch.Zip(solutions, (item, solution) => Measurement.From(item.Index, item.Puzzle, solution))];
        }
    }

    private Gate ToGate(
        CertifiedCalibrator certified, CertifiedThreshold threshold, CalibrationSplits splits, Promise promise,
        (MeasuredModel Model, LabelledPuzzles Puzzles, string Hash) measured) => new()
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
                PValue = threshold.Groups[0].PValue,
                Coverage = (double)threshold.Groups[0].Accepted
                    / splits.Certify.Count(item => item.IsReadable && !item.IsScene && promise.Strata.Contains(item.Stratum)),
                Strata = [.. threshold.Groups.Select(group => new CertifiedStratum(group.Name, group.Asked, group.Accepted, group.Errors, group.PValue))],
                NotPromised = [.. Enum.GetValues<Stratum>().Except(Calibration.Promised(splits, promise)).Select(Calibration.Name)],
                SgrThreshold = certified.SgrThreshold?.Threshold,
                Splits = new SplitSizes(splits.Fit.Count, splits.Certify.Count, splits.Report.Count),
                SplitSeed = options.Seed,
                DataSet = measured.Puzzles.Description,
                DataSetHash = measured.Hash,
                ModelHash = measured.Model.Folder.Fingerprint,
                Precision = measured.Model.Folder.Manifest.Precision,
                Finding = measured.Model.Finding,
                CalibratorHash = certified.Calibrator.Hash(),
                Date = time.GetUtcNow(),
            },
        };

    /// <param name="Folder">The package.</param>
    /// <param name="Finding">How sheets were looked for.</param>
    private sealed record MeasuredModel(ModelFolder Folder, string? Finding);

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

    private static int Refuse(CalibrationSplits splits, Calibrator? calibrator, Promise promise)
    {
        Console.Error.WriteLine($"{Reason(splits, calibrator, promise)} Nothing was written.");
        return ExitCode.Failed;
    }

    private static string Reason(CalibrationSplits splits, Calibrator? calibrator, Promise promise)
    {
        var wanted = $"{promise.Risk * 100:0.##} % at {(1 - promise.Delta) * 100:0.##} % confidence";
        if (Calibration.TooSmall(splits, promise) is { } small)
        {
            return $"{small.Measured} puzzles of the stratum {Calibration.Name(small.Stratum)} are too few to promise that at most {wanted} are accepted: "
                + $"{small.Needed} are needed (--unreadable), or leave it out (--promise), and nothing is promised for it.";
        }

        if (calibrator is not null && Calibration.InTheWay(splits, calibrator, promise) is { } stratum)
        {
            return $"A share of {wanted} cannot be promised for the stratum {stratum.Name}: of {stratum.Asked} puzzles that cannot be read {stratum.Accepted} "
                + "are as sure as the surest that can. Train the model on such pictures, or leave the stratum out (--promise), and nothing is promised for it.";
        }

        var readable = splits.Fit.Concat(splits.Certify).Concat(splits.Report).Count(item => item.IsReadable);
        return Calibration.Missing(splits, calibrator, promise) is { } count
            ? $"{readable} labelled puzzles are too few to certify a risk of {wanted}: about {count} more are needed."
            : $"A risk of {wanted} cannot be certified: at every threshold more of the accepted answers are wrong than that, and more puzzles would not help. "
                + "Train the model further or allow a greater --risk.";
    }

    /// <summary>A JPEG small enough for a page.</summary>
    private static byte[] Thumbnail(RgbImage picture)
    {
        const double Side = 220;
        var scale = Math.Min(1, Side / Math.Max(picture.Width, picture.Height));
        return ImageCodec.EncodeJpeg(Resize.Bicubic(picture, Math.Max(1, (int)(picture.Width * scale)), Math.Max(1, (int)(picture.Height * scale))), 80);
    }

    private static void Print(CalibrationReport report, IReadOnlyList<string> written)
    {
        var (all, certificate) = (report.Groups[0], report.Gate.Certificate);
        Console.WriteLine(
            $"Certified: risk ≤ {certificate.Risk * 100:0.##} % at {(1 - certificate.Delta) * 100:0.##} % confidence; " +
            $"{certificate.Errors} of {certificate.Accepted} wrong, " +
            $"p = {certificate.PValue:G3}, threshold {report.Gate.Threshold:F6}, {certificate.Coverage * 100:F1} % accepted.");
        foreach (var stratum in certificate.Strata.Skip(1))
        {
            var what = stratum.Name == Certificate.Scenes ? $"accepted, {stratum.Wrong} of them wrong" : "that cannot be read accepted";
            Console.WriteLine($"  {stratum.Name}: {stratum.Certified} of {stratum.Asked} {what}, p = {stratum.PValue:G3}.");
        }

        if (certificate.NotPromised.Count > 0) Console.WriteLine($"Nothing promised for: {string.Join(", ", certificate.NotPromised)}.");
        Console.WriteLine(
            $"Report split: {all.Correct} of {all.Count} right; {all.Accepted} accepted, {all.Errors} of them wrong; AUROC {Auroc(report.Confidence.Auroc)}, " +
            $"calibration error {report.Confidence.CalibrationError:F4}.");
        if (all.SystemCorrect is { } system)
            Console.WriteLine($"With {report.Larger} for the rest: {system} of {all.Count} right, {all.Count - all.Accepted} escalated.");
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

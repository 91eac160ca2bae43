using Microsoft.ML.OnnxRuntime;
using Vlm.Export.Options;
using Vlm.Model;
using Vlm.Package;
using Vlm.Vision;

namespace Vlm.Export.Check;

/// <summary>Everything that was found out about a package.</summary>
/// <param name="Rows">The checks.</param>
/// <param name="Comparison">Against the checkpoint and the golden data beside it; empty without a checkpoint.</param>
internal sealed record PackageReport(IReadOnlyList<CheckRow> Rows, ComparisonReport Comparison)
{
    public bool Passed => Rows.All(row => row.Outcome != Outcome.Failed) && Comparison.Differences.All(row => row.Passed);
}

/// <summary>Holds a package against ONNX Runtime GenAI's contract and, when there is one, against its checkpoint.</summary>
internal static class PackageCheck
{
    /// <exception cref="ExportException">The folder is so incomplete that nothing can be checked.</exception>
    /// <exception cref="CheckpointException">The checkpoint given is not complete.</exception>
    public static PackageReport Run(string folder, string? checkpoint)
    {
        if (!Directory.Exists(folder)) throw new ExportException($"There is no folder '{folder}'. Give the folder of a package.");
        if (checkpoint is null && Directory.Exists(Path.Combine(folder, "checkpoint"))) checkpoint = Path.Combine(folder, "checkpoint");
        using var sessions = PlainSessions.Open(folder);
        var manifest = Manifest(folder);
        List<CheckRow> signatures = [.. GraphChecks.Signatures(sessions)];
        List<CheckRow> rows = [manifest, .. ConfigChecks.Run(folder, sessions.Config), .. signatures, .. GraphChecks.Operators(folder)];
        var runs = signatures.TrueForAll(row => row.Outcome != Outcome.Failed);
        if (runs)
            rows.AddRange(BehaviourChecks.Run(sessions));
        else
            rows.Add(CheckRow.Skip("graphs", "behaviour", "the signatures are not the expected ones"));
        rows.AddRange(TokenizerChecks.Run(folder, sessions.Config));
        rows.AddRange(ProcessorChecks.Run(folder, checkpoint is null ? null : PictureConfig.Load(Path.Combine(checkpoint, "preprocessor_config.json"))));
        if (checkpoint is null)
            rows.Add(CheckRow.Skip("checkpoint", "same outputs", "the package has no sub-folder 'checkpoint', and --checkpoint was not given"));
        else if (!runs || manifest.Outcome != Outcome.Passed)
            rows.Add(CheckRow.Skip("checkpoint", "same outputs", "the package has to be whole first"));
        else
            return new PackageReport(rows, Compare(folder, sessions, checkpoint));
        return new PackageReport(rows, ComparisonReport.Nothing);
    }

    private static CheckRow Manifest(string folder)
    {
        try
        {
            var manifest = ModelFolder.Open(folder).Manifest;
            return CheckRow.Of("manifest.json", "every file is there with its hash", true, $"{manifest.Files.Count} files, {manifest.Precision}");
        }
        catch (ModelException e)
        {
            return CheckRow.Of("manifest.json", "every file is there with its hash", false, e.Message);
        }
    }

    private static ComparisonReport Compare(string folder, PlainSessions sessions, string checkpoint)
    {
        try
        {
            return CompareOutputs(folder, sessions, checkpoint);
        }
        catch (OnnxRuntimeException e)
        {
            throw new ExportException($"ONNX Runtime cannot run the graphs of '{folder}': {e.Message}", e);
        }
    }

    private static ComparisonReport CompareOutputs(string folder, PlainSessions sessions, string checkpoint)
    {
        var fresh = CheckpointComparison.Run(folder, sessions, checkpoint);
        var isExact = ModelFolder.Open(folder).Manifest.Precision == ExportOptions.PrecisionNames[(int)Precision.Fp32];
        if (!isExact || GoldenComparison.Find(checkpoint) is not { } golden) return fresh;
        return new ComparisonReport([.. fresh.Differences, .. GoldenComparison.Run(golden, sessions).Differences], fresh.Agreements);
    }
}

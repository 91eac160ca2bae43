using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;
using Vlm.CommandLine;
using Vlm.Export.Options;
using Vlm.Export.Package;
using Progress = Vlm.CommandLine.Progress;

namespace Vlm.Export.Commands;

/// <summary><c>export</c>: writes a package and says what is in it.</summary>
internal static class ExportCommand
{
    private static readonly Argument<string> Checkpoint = new("checkpoint")
    {
        Description = "Folder with config.json, weights, preprocessor_config.json and tokenizer.",
    };

    private static readonly Option<string> Target = new("--to") { Description = "Folder of the package; an older package in it is replaced.", Required = true };

    private static readonly Option<Precision> Precision = CheckedOption.Read<Precision>(
        "--precision", "fp32, fp16 (for CUDA), int8 or int4.", Options.Precision.Fp32, ExportOptions.TryParsePrecision,
        $"one of {string.Join(", ", ExportOptions.PrecisionNames)}");

    private static readonly Option<int> BlockSize = CheckedOption.Read<int>(
        "--block-size", "int8, int4: weights sharing a scale.", 32,
        (string text, out int size) => int.TryParse(text, out size) && Quantization.IsBlockSize(size),
        $"a power of two from {Quantization.SmallestBlock} to {Quantization.LargestBlock}");

    private static readonly Option<bool> AllLogits = new("--all-logits")
    {
        Description = $"All logits of a prompt also for vocabularies above {Graphs.TextGraph.PrunedAbove}.",
    };

    private static readonly Option<bool> LeansOnWords = new("--lean-on-words")
    {
        Description = "Letters that stay unsure are decided with the word list: for the model that is asked last.",
    };

    private const int Megabyte = 1_000_000;
    private const long ShownFrom = 200L * Megabyte;

    public static Command Create()
    {
        var command = new Command("export", "Writes the package of a checkpoint.") { Checkpoint, Target, Precision, BlockSize, AllLogits, LeansOnWords };
        command.SetAction((result, cancellation) =>
        {
            var options = new ExportOptions(result.GetValue(Precision), result.GetValue(BlockSize), result.GetValue(AllLogits))
            {
                LeansOnWords = result.GetValue(LeansOnWords),
            };
            Run(result.GetRequiredValue(Checkpoint), result.GetRequiredValue(Target), options, cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(string checkpoint, string target, ExportOptions options, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var report = Write(checkpoint, target, options, cancellation);
        var table = new Table().AddColumns("graph", "nodes", "bytes");
        table.Columns[1].RightAligned();
        table.Columns[2].RightAligned();
        foreach (var graph in report.Graphs) table.AddRow(graph.File, $"{graph.Nodes}", $"{graph.Bytes:N0}");
        AnsiConsole.Write(table);
        foreach (var warning in report.Warnings) AnsiConsole.MarkupLineInterpolated($"[yellow]note:[/] {warning}");
        AnsiConsole.MarkupLineInterpolated($"{target}: {options.PrecisionName}, {report.Bytes:N0} bytes, {watch.Elapsed.TotalSeconds:F1} s");
    }

    /// <summary>Off the thread that hears Ctrl+C: a large model takes minutes. Small ones are done before there is something to show.</summary>
    private static ExportReport Write(string checkpoint, string target, ExportOptions options, CancellationToken cancellation)
    {
        ExportReport? report = null;
        var (total, done, last) = (0L, 0L, 0L);
        var plan = new ProgressPlan("export", 100, "%") { IsBesideResults = true };
        Progress.Run(plan, progress =>
        {
            var watcher = new ExportWatch(all => total = all, Count, cancellation);
            report = PackageWriter.Write(checkpoint, target, options, watcher);

            void Count(int bytes)
            {
                done += bytes;
                var percent = total < ShownFrom ? 0 : done * 100 / total;
                if (percent == last) return;
                progress.Add(percent - last, $"{done / Megabyte:N0} of {total / Megabyte:N0} MB");
                last = percent;
            }
        });
        return report!;
    }
}

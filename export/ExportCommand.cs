using System.Diagnostics;
using Spectre.Console;
using Vlm.Export.Package;

namespace Vlm.Export;

/// <summary><c>export</c>: writes a package and says what it came to.</summary>
internal static class ExportCommand
{
    public static int Run(string checkpoint, string target, ExportOptions options)
    {
        var watch = Stopwatch.StartNew();
        var report = PackageWriter.Write(checkpoint, target, options);
        var table = new Table().AddColumns("graph", "nodes", "bytes");
        table.Columns[1].RightAligned();
        table.Columns[2].RightAligned();
        foreach (var graph in report.Graphs)
            table.AddRow(graph.File, $"{graph.Nodes}", $"{graph.Bytes:N0}");
        AnsiConsole.Write(table);
        foreach (var warning in report.Warnings)
            AnsiConsole.MarkupLineInterpolated($"[yellow]note:[/] {warning}");
        AnsiConsole.MarkupLineInterpolated($"{target}: {options.PrecisionName}, {report.Bytes:N0} bytes, {watch.Elapsed.TotalSeconds:F1} s");
        return Commands.Done;
    }
}

using System.CommandLine;
using Spectre.Console;
using Vlm.CommandLine;
using Vlm.Export.Check;
using Cell = Spectre.Console.Text;

namespace Vlm.Export.Commands;

/// <summary><c>check</c>: one row per check with what was found, then the comparison with the checkpoint.</summary>
internal static class CheckCommand
{
    private const int RedirectedWidth = 200;

    private static readonly Argument<string> Folder = new("folder") { Description = "Folder of the package." };

    private static readonly Option<string?> Checkpoint = new("--checkpoint")
    {
        Description = "What it was made from; by default the package's sub-folder 'checkpoint'.",
    };

    private static readonly Option<bool> GenAi = new("--genai")
    {
        Description = "Also run the package in ONNX Runtime GenAI itself; in builds with -p:Accelerator=genai.",
    };

    public static Command Create()
    {
        var command = new Command("check", "Holds a package against ONNX Runtime GenAI's contract and against its checkpoint.") { Folder, Checkpoint, GenAi };
        command.SetAction(result => Run(result.GetRequiredValue(Folder), result.GetValue(Checkpoint), result.GetValue(GenAi)));
        return command;
    }

    private static int Run(string folder, string? checkpoint, bool withGenAi)
    {
        // A pipe or a file has no width of its own; the usual 80 columns would break every cell.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, RedirectedWidth);
        var inGenAi = withGenAi ? RunInGenAi(folder) : [];
        var report = PackageCheck.Run(folder, checkpoint);
        report = report with { Rows = [.. report.Rows, .. inGenAi] };
        AnsiConsole.Write(Checks(report.Rows));
        if (report.Comparison.Differences.Count > 0) AnsiConsole.Write(Differences(report.Comparison.Differences));
        if (report.Comparison.Agreements.Count > 0) AnsiConsole.Write(Agreements(report.Comparison.Agreements));
        AnsiConsole.MarkupLineInterpolated(Summary(report));
        return report.Passed ? ExitCode.Success : ExitCode.Failed;
    }

    private static IReadOnlyList<CheckRow> RunInGenAi(string folder) =>
#if GENAI
        Check.GenAi.GenAiChecks.Run(folder);
#else
        throw new UsageException($"--genai needs a build with -p:Accelerator=genai; this one cannot run '{folder}' in GenAI.");
#endif

    private static FormattableString Summary(PackageReport report)
    {
        var failed = report.Rows.Count(row => row.Outcome == Outcome.Failed) + report.Comparison.Differences.Count(row => !row.Passed);
        var passed = report.Rows.Count(row => row.Outcome == Outcome.Passed) + report.Comparison.Differences.Count(row => row.Passed);
        return $"{passed} checks passed, {failed} failed, {report.Rows.Count(row => row.Outcome == Outcome.Skipped)} not possible";
    }

    private static Table Checks(IReadOnlyList<CheckRow> rows)
    {
        var table = new Table().AddColumns("where", "check", "", "found");
        foreach (var row in rows) table.AddRow(new Cell(row.Section), new Cell(row.Claim), Mark(row.Outcome), new Cell(row.Found));
        return table;
    }

    private static Table Differences(IReadOnlyList<ComparisonRow> rows)
    {
        var table = new Table().AddColumns("inputs", "output", "largest value", "max abs difference", "allowed", "");
        foreach (var row in rows)
        {
            string[] cells = [row.Prompt, row.Output, $"{row.Largest:G3}", $"{row.Difference:G3}", row.Allowed is { } allowed ? $"{allowed:G3}" : "told only"];
            table.AddRow([.. cells.Select(cell => new Cell(cell)), Mark(row.Passed ? Outcome.Passed : Outcome.Failed)]);
        }

        return table;
    }

    private static Table Agreements(IReadOnlyList<AgreementRow> rows)
    {
        var table = new Table().AddColumns("inputs", "same tokens as the float32 export", "agreement");
        foreach (var row in rows) table.AddRow(new Cell(row.Prompt), new Cell(row.Compared), new Cell($"{row.Agreed} of {row.Total}"));
        return table;
    }

    private static Markup Mark(Outcome outcome) => new(outcome switch
    {
        Outcome.Passed => "[green]ok[/]",
        Outcome.Failed => "[red]FAILED[/]",
        _ => "[grey]-[/]",
    });
}

using System.Diagnostics;
using Vlm.CommandLine;
using Vlm.Cryptogram;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Edge.Solve;

/// <summary>Solves pictures one after the other and prints what comes out. One that cannot be solved does not stop the rest.</summary>
internal sealed class SolveRun(Solver solver, Gate? gate, bool isJson, string? attentionPath)
{
    /// <returns>The process's exit code.</returns>
    public int Run(IReadOnlyList<SolveItem> items, CancellationToken cancellation)
    {
        if (attentionPath is not null && !solver.ShowsAttention)
        {
            throw new ModelException($"The package '{solver.Folder.Path}' does not show where it looks, so --attention cannot draw it. "
                + "Packages made by this project's export command do.");
        }
        var reports = items.Count > 1 && !isJson && !Console.IsErrorRedirected
            ? WithProgress(items, cancellation)
            : items.Select(item => Solve(item, cancellation));
        var failed = 0;
        var tally = new Tally();
        foreach (var report in reports)
        {
            if (report.Error is not null) failed++;
            tally.Count(report);
            Print(report, items.Count > 1);
        }
        if (items.Count > 1 && !isJson) Console.WriteLine(tally);
        return failed == 0 ? ExitCode.Success : ExitCode.Failed;
    }

    private SolveReport Solve(SolveItem item, CancellationToken cancellation)
    {
        try
        {
            var code = Code.Parse(item.Code);
            var bytes = ImageCodec.Load(item.Path);
            var start = Stopwatch.GetTimestamp();
            var picture = ImageCodec.Read(bytes);
            var question = new Question(picture.Image, code, Stopwatch.GetElapsedTime(start));
            var solution = solver.Solve(question, new SolveOptions { WithAttention = attentionPath is not null }, cancellation);
            var report = SolveReport.From(item, solution, gate?.Assess(solution)) with { Warning = picture.Warning };
            if (attentionPath is not null && solution.Letters.Count > 0)
                AttentionPicture.Save(solution, [$"confidence {report.Confidence:F3}", Meaning(report)], attentionPath);
            return attentionPath is not null && solution.Letters.Count == 0 && report.Error is null
                ? report with { Error = "The reply has no mapping lines, so there is no attention to draw." }
                : report;
        }
        catch (Exception e) when (Cli.AsUsersError(e) is { } error)
        {
            return SolveReport.From(item, error.Message);
        }
    }

    /// <summary>The reports after all are done: the bar and the lines would get in each other's way.</summary>
    private List<SolveReport> WithProgress(IReadOnlyList<SolveItem> items, CancellationToken cancellation)
    {
        var reports = new List<SolveReport>();
        Progress.Run(new ProgressPlan("solving", items.Count, "pictures") { IsBesideResults = true }, progress =>
        {
            foreach (var item in items)
            {
                reports.Add(Solve(item, cancellation));
                progress.Add(1);
            }
        });
        return reports;
    }

    private void Print(SolveReport report, bool isOneOfMany)
    {
        if (isJson)
        {
            Console.WriteLine(report.ToJson());
            return;
        }
        if (isOneOfMany) Console.WriteLine(Line(report));
        else if (report.Error is not null) Console.Error.WriteLine($"{report.Picture}: {report.Error}");
        else PrintSingle(report);
    }

    private string Meaning(SolveReport report)
    {
        if (gate is null) return solver.DecidesLetters ? "raw: the model's belief in the letters" : "raw: geometric mean of the answer tokens' probabilities";
        if (report.HardFailures is { Count: > 0 } failures) return $"no cipher gives this answer: {string.Join(", ", failures)}";
        var promise = gate.Certificate;
        return report.Certified == true
            ? $"calibrated; certified: at most {promise.Risk * 100:0.##} % of such answers are wrong, at {(1 - promise.Delta) * 100:0.##} % confidence"
            : $"calibrated; below the certified threshold {gate.Threshold:F3}";
    }

    private static string Line(SolveReport report)
    {
        if (report.Error is not null) return $"{report.Picture}  error: {report.Error}";
        var verdict = report.Correct switch { true => "  correct", false => $"  WRONG, expected: {report.Expected}", null => "" };
        var certified = report.Certified switch { true => " certified", false => " uncertain", null => "" };
        var words = report.LeantOnWords == true ? " leant on words" : "";
        var warning = report.Warning is { } text ? $"  warning: {text}" : "";
        return $"{report.Picture}  {Answer(report)}  confidence {report.Confidence:F3}{certified}{words}  {report.TimingsMs!.Total:F0} ms{verdict}{warning}";
    }

    /// <summary>The answer in words: of a picture that shows no letter it is that.</summary>
    private static string? Answer(SolveReport report) => report.Status == "no_decoder" ? "no decoder in this picture" : report.Text;

    private void PrintSingle(SolveReport report)
    {
        var times = report.TimingsMs!;
        Console.WriteLine(Answer(report));
        if (report is { Status: "unreadable", Unseen: { } unseen })
            Console.WriteLine($"the picture does not show what these stand for: {string.Join(' ', unseen)}");
        Console.WriteLine($"confidence {report.Confidence:F3} ({Meaning(report)})");
        if (report.LeantOnWords == true) Console.WriteLine("looks at the picture left letters unsure; words had a say in them");
        if (report.Warning is { } warning) Console.WriteLine($"warning: {warning}");
        Console.WriteLine(
            $"time {times.Total:F0} ms: decode picture {times.DecodePicture:F1}, find sheet {times.Find:F1}, patches {times.Patches:F1}, " +
            $"vision {times.Vision:F1}, prefill {times.Prefill:F1}, decode {times.Decode:F1}");
    }

    private sealed class Tally
    {
        private int _all, _failed, _known, _correct;

        public void Count(SolveReport report)
        {
            _all++;
            if (report.Error is not null) _failed++;
            if (report.Expected is not null) _known++;
            if (report.Correct == true) _correct++;
        }

        public override string ToString()
        {
            var known = _known > 0 ? $", {_correct} of {_known} known answers correct" : "";
            return $"{_all} pictures, {_failed} failed{known}";
        }
    }
}

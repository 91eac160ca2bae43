using System.Net;
using System.Text;
using Vlm.Drawing;
using Vlm.Gating;

namespace Vlm.Edge.Calibrate;

/// <summary>The report as one page without scripts or other files.</summary>
internal static class ReportPage
{
    private const string Style = """
        :root { color-scheme: light dark; --grid: light-dark(#e4e4e4, #3a3a3a); }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
               color: light-dark(#222, #ddd); background: light-dark(#fff, #1a1a1a); }
        h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } table { border-collapse: collapse; display: block; overflow-x: auto; }
        th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--grid); text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        th:first-child, td:first-child { text-align: left; }
        svg { width: 100%; max-width: 40rem; height: auto; font: 12px system-ui, sans-serif; } text { fill: currentColor; } .grid { stroke: var(--grid); }
        code { font-size: .85em; overflow-wrap: anywhere; }
        .worst { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; width: 10rem; } img { max-width: 100%; } figcaption { font-size: .85em; }
        """;

    public static string Of(CalibrationReport report)
    {
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width\"/>");
        page.Append($"<title>Calibration of {Text(report.Model)}</title><style>\n{Style}</style></head><body>\n");
        page.Append($"<h1>Calibration of {Text(report.Model)} ({Text(report.Gate.Certificate.Precision)})</h1>\n");
        Promise(page, report);
        Strata(page, report);
        Groups(page, report);
        Curves(page, report);
        Ablation(page, report);
        Weights(page, report.Gate.Calibrator);
        Provenance(page, report.Gate.Certificate);
        return page.Append("</body></html>\n").ToString();
    }

    private static void Promise(StringBuilder page, CalibrationReport report)
    {
        var certificate = report.Gate.Certificate;
        var all = report.Groups[0];
        var (confidence, most) = (Share(1 - certificate.Delta), Share(certificate.Risk));
        page.Append($"<p><b>With {confidence} confidence, at most {most} of the accepted answers to readable pictures are wrong");
        if (certificate.Strata.Any(stratum => stratum.Name == Certificate.Scenes)) page.Append(", of sheets that were cut out of larger frames likewise");
        if (certificate.Strata.Skip(1).Any(stratum => stratum.Name != Certificate.Scenes))
            page.Append($", and of each kind of picture that cannot be read at most {most} are accepted at all");
        page.Append($"</b>, all together, for puzzles exchangeable with the certifying ones ({Text(certificate.DataSet)}): ");
        page.Append($"of {certificate.Accepted} answers accepted there {certificate.Errors} were wrong (p = {certificate.PValue:G3}). ");
        if (certificate.NotPromised.Count > 0) page.Append($"<b>Nothing is promised for {Text(string.Join(", ", certificate.NotPromised))}</b>. ");
        page.Append($"The threshold is {report.Gate.Threshold:F6}. ");
        page.Append(certificate.SgrThreshold is { } sgr
            ? $"The older guarantee (SGR) certifies {sgr:F6}.</p>\n"
            : "The older guarantee (SGR) certifies none.</p>\n");
        page.Append($"<p>On the {all.Count} readable puzzles of the report split, which neither fitted nor certified: {Share(all.Coverage)} accepted, ");
        page.Append($"{all.Errors} of {all.Accepted} wrong ({Share(all.Risk)}; at most {Share(all.RiskBound)} with 95&#160;% confidence). ");
        page.Append($"The model alone is right on {Share(Ratio(all.Correct, all.Count))}");
        page.Append(all.SystemCorrect is { } system ? $"; with {Text(report.Larger!)} for the rest, {Share(Ratio(system, all.Count))}.</p>\n" : ".</p>\n");
        var figures = report.Confidence;
        page.Append("<table><tr><th>AUROC</th><th>AURC</th><th>of an oracle</th><th>excess</th><th>AUGRC</th><th>Brier</th><th>ECE "
            + "(10 bins, equal mass)</th></tr>");
        page.Append($"<tr><td>{Figure(figures.Auroc)}</td><td>{figures.Aurc:F5}</td><td>{figures.OracleAurc:F5}</td>"
            + $"<td>{figures.Aurc - figures.OracleAurc:F5}</td>");
        page.Append($"<td>{figures.Augrc:F5}</td><td>{figures.Brier:F4}</td><td>{figures.CalibrationError:F4}</td></tr></table>\n");
    }

    private static void Strata(StringBuilder page, CalibrationReport report)
    {
        page.Append("<h2>By kind of picture</h2>\n<p>Certified on the certifying split, all rows together:</p>\n");
        page.Append("<table><tr><th></th><th>asked</th><th>accepted</th><th>wrong</th><th>p</th></tr>\n");
        foreach (var stratum in report.Gate.Certificate.Strata)
        {
            page.Append($"<tr><td>{Text(stratum.Name)}</td><td>{stratum.Asked}</td><td>{stratum.Certified}</td>");
            page.Append($"<td>{stratum.Wrong}</td><td>{stratum.PValue:G3}</td></tr>\n");
        }

        page.Append("</table>\n<p>Seen on the report split. Right is also an answer that calls unseen what the picture does not show. ");
        page.Append("The bound (Clopper and Pearson, 95&#160;%, for that row alone) is of the wrong among the accepted, and where nothing can be read of the "
            + "accepted among the asked.</p>\n");
        page.Append("<table><tr><th></th><th>asked</th><th>right</th><th>accepted</th><th>wrong of accepted</th><th>bound</th></tr>\n");
        foreach (var stratum in report.Strata)
        {
            page.Append($"<tr><td>{Text(stratum.Name)}</td><td>{stratum.Asked}</td><td>{Cell(Ratio(stratum.Right, stratum.Asked))}</td>");
            page.Append($"<td>{stratum.Certified}</td><td>{stratum.Wrong}</td><td>{Cell(stratum.UpperBound)}</td></tr>\n");
        }

        page.Append("</table>\n");
        foreach (var stratum in report.Strata.Where(stratum => stratum.Worst.Count > 0)) Worst(page, stratum, report);
    }

    private static void Worst(StringBuilder page, StratumFigures stratum, CalibrationReport report)
    {
        page.Append($"<h3>{Text(stratum.Name)}: the surest answers that should not be accepted</h3>\n<div class=\"worst\">\n");
        foreach (var answer in stratum.Worst)
        {
            page.Append("<figure>");
            if (report.Pictures.TryGetValue(answer.Index, out var jpeg))
                page.Append($"<img alt=\"{Text(answer.Name)}\" src=\"data:image/jpeg;base64,{Convert.ToBase64String(jpeg)}\"/>");
            var right = answer.Expected.Length > 0 ? $"right: “{Text(answer.Expected)}”, " : "";
            page.Append($"<figcaption>{Text(answer.Name)}: “{Text(answer.Answer)}”, {right}confidence {answer.Confidence:F4}");
            page.Append($"{(answer.Confidence >= report.Gate.Threshold ? " <b>accepted</b>" : "")}</figcaption></figure>\n");
        }

        page.Append("</div>\n");
    }

    private static void Groups(StringBuilder page, CalibrationReport report)
    {
        page.Append("<h2>By severity, readable pictures</h2>\n<p>The certificate is for all severities together; one can be worse than the promise. ");
        page.Append("The bound is Clopper and Pearson's, 95&#160;%, for that row alone.</p>\n");
        page.Append("<table><tr><th></th><th>puzzles</th><th>model right</th><th>accepted</th>"
            + "<th>wrong of accepted</th><th>bound</th><th>AUROC</th><th>system right</th></tr>\n");
        foreach (var group in report.Groups)
        {
            page.Append($"<tr><td>{Text(group.Group)}</td><td>{group.Count}</td>"
                + $"<td>{Cell(Ratio(group.Correct, group.Count))}</td><td>{Cell(group.Coverage)}</td>");
            page.Append($"<td>{group.Errors} ({Cell(group.Risk)})</td><td>{Cell(group.RiskBound)}</td><td>{Figure(group.Auroc)}</td>");
            page.Append($"<td>{(group.SystemCorrect is { } system ? Cell(Ratio(system, group.Count)) : "–")}</td></tr>\n");
        }

        page.Append("</table>\n");
    }

    private static void Curves(StringBuilder page, CalibrationReport report)
    {
        page.Append("<h2>Risk and coverage</h2>\n");
        page.Append(SvgPen.Draw(ReportPlots.RiskCoverage(report)));
        page.Append("<h2>Reliability</h2>\n<p>Ten bins of equal size: of answers with a confidence of 90&#160;%, nine in ten should be right.</p>\n");
        page.Append(SvgPen.Draw(ReportPlots.Reliability(report)));
        var larger = report.Larger is { } name
            ? $"the escalated puzzles are answered by {Text(name)}, measured"
            : "no larger model was measured: the curve assumes one that is always right";
        page.Append($"<h2>Deferral</h2>\n<p>System accuracy when the least confident answers are escalated; {larger}.");
        page.Append(report.Deferral.Gain is { } gain ? $" Of what an oracle gains over random escalation, the gate gains {Share(gain)}.</p>\n" : "</p>\n");
        page.Append(SvgPen.Draw(ReportPlots.Deferral(report)));
    }

    private static void Ablation(StringBuilder page, CalibrationReport report)
    {
        page.Append("<h2>What each signal is worth</h2>\n<p>Each row fits, certifies and reports with these signals alone, on the same splits. ");
        page.Append("Only the last row's threshold is used and certified.</p>\n");
        page.Append("<table><tr><th>signals</th><th>AUROC</th><th>AURC</th><th>certified coverage</th><th>wrong of accepted</th></tr>\n");
        foreach (var row in report.Ablation)
        {
            page.Append($"<tr><td>{Text(row.Signals)}</td><td>{Figure(row.Auroc)}</td><td>{row.Aurc:F5}</td>");
            page.Append($"<td>{(row.CertifiedCoverage is { } coverage ? Cell(coverage) : "none certified")}</td>"
                + $"<td>{(row.Risk is { } risk ? Cell(risk) : "–")}</td></tr>\n");
        }

        page.Append("</table>\n");
    }

    private static void Weights(StringBuilder page, Calibrator calibrator)
    {
        page.Append("<h2>Weights</h2>\n<p>Of the standardised signals, heaviest first. Signals that say nearly the same share their weight.</p>\n"
            + "<table><tr><th>signal</th><th>weight</th></tr>\n");
        foreach (var term in calibrator.Terms.OrderByDescending(term => Math.Abs(term.Weight)))
            page.Append($"<tr><td>{Text(term.Name)}</td><td>{term.Weight:F3}</td></tr>\n");
        page.Append("</table>\n");
    }

    private static void Provenance(StringBuilder page, Certificate certificate)
    {
        var splits = certificate.Splits;
        page.Append($"<h2>Made from</h2>\n<p>{Text(certificate.DataSet)}; {splits.Fit} to fit, {splits.Certify} to certify, {splits.Report} to report, ");
        page.Append($"divided with seed {certificate.SplitSeed}; {certificate.Date:yyyy-MM-dd HH:mm} UTC.<br/>\n");
        page.Append($"package <code>{certificate.ModelHash}</code><br/>puzzles <code>{certificate.DataSetHash}</code><br/>"
            + $"calibrator <code>{certificate.CalibratorHash}</code></p>\n");
    }

    private static double Ratio(int part, int whole) => whole == 0 ? 0 : (double)part / whole;

    private static string Share(double share) => $"{share * 100:0.##}\u00a0%";

    // One below the other, so all with the same digits.
    private static string Cell(double share) => $"{share * 100:F2} %";

    private static string Figure(double? value) => value is { } number ? $"{number:F4}" : "–";

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}

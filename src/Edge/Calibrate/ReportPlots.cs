using Vlm.Drawing;

namespace Vlm.Edge.Calibrate;

/// <summary>The plots of a report. Pure.</summary>
internal static class ReportPlots
{
    public static Plot RiskCoverage(CalibrationReport report)
    {
        var all = report.Groups[0];
        var risk = report.Gate.Certificate.Risk;
        return new Plot(
            Title("Risk and coverage", report),
            PlotAxis.Shares("share of answers accepted", [0, 1]),
            PlotAxis.Shares("share of them wrong", report.RiskCoverage.Select(each => each.Risk).Append(risk), fromZero: true),
            [
                new PlotSeries("observed", Plot.Blue, [.. report.RiskCoverage.Select(each => (each.Coverage, each.Risk))]),
                new PlotSeries($"promise: {risk * 100:0.##} %", Plot.Red, [(0, risk), (1, risk)]) { IsDashed = true },
                new PlotSeries("certified threshold", Plot.Purple, [(all.Coverage, all.Risk)]) { IsDots = true },
            ]);
    }

    public static Plot Reliability(CalibrationReport report) => new(
        Title("Reliability", report),
        PlotAxis.Shares("mean confidence", [0, 1]),
        PlotAxis.Shares("share right", [0, 1]),
        [
            new PlotSeries("perfect", Plot.Grey, [(0, 0), (1, 1)]) { IsDashed = true },
            new PlotSeries("observed", Plot.Blue, [.. report.Reliability.Select(bin => (bin.Confidence, bin.Accuracy))]) { IsDots = true },
        ]);

    public static Plot Deferral(CalibrationReport report)
    {
        var curve = report.Deferral;
        var at = curve.Gate[(int)Math.Round((1 - report.Groups[0].Coverage) * (curve.Gate.Count - 1))];
        return new Plot(
            Title("Deferral", report),
            PlotAxis.Shares("share escalated", [0, 1]),
            PlotAxis.Shares("system right", curve.Gate.Concat(curve.Oracle).Select(each => each.Accuracy), fromZero: false),
            [
                new PlotSeries("gate", Plot.Blue, Points(curve.Gate)),
                new PlotSeries("oracle", Plot.Green, Points(curve.Oracle)) { IsDashed = true },
                new PlotSeries("random", Plot.Grey, [(0, curve.Gate[0].Accuracy), (1, curve.LargerAccuracy)]) { IsDashed = true },
                new PlotSeries("certified threshold", Plot.Purple, [(at.Escalated, at.Accuracy)]) { IsDots = true },
            ]);
    }

    private static string Title(string what, CalibrationReport report) => $"{what}: {report.Model} ({report.Gate.Certificate.Precision})";

    private static List<(double X, double Y)> Points(IReadOnlyList<DeferralPoint> points) => [.. points.Select(each => (each.Escalated, each.Accuracy))];
}

using Vlm.Drawing;

namespace Vlm.Edge.Calibrate;

/// <summary>The plots of a report. Pure.</summary>
internal static class ReportPlots
{
    // Of Okabe and Ito's colours, which readers of every kind of colour vision can tell apart; they show on white and on a dark page.
    private static readonly Colour Blue = new(0, 114, 178), Red = new(213, 94, 0), Green = new(0, 158, 115), Purple = new(204, 121, 167), Grey = new(138, 138, 138);

    public static Plot RiskCoverage(CalibrationReport report)
    {
        var all = report.Groups[0];
        var risk = report.Gate.Certificate.Risk;
        return new Plot(
            Title("Risk and coverage", report),
            new PlotAxis("share of answers accepted", 0, 1),
            PlotAxis.Around("share of them wrong", report.RiskCoverage.Select(each => each.Risk).Append(risk), fromZero: true),
            [
                new PlotSeries("observed", Blue, [.. report.RiskCoverage.Select(each => (each.Coverage, each.Risk))]),
                new PlotSeries($"promise: {risk * 100:0.##} %", Red, [(0, risk), (1, risk)]) { IsDashed = true },
                new PlotSeries("certified threshold", Purple, [(all.Coverage, all.Risk)]) { IsDots = true },
            ]);
    }

    public static Plot Reliability(CalibrationReport report) => new(
        Title("Reliability", report),
        new PlotAxis("mean confidence", 0, 1),
        new PlotAxis("share right", 0, 1),
        [
            new PlotSeries("perfect", Grey, [(0, 0), (1, 1)]) { IsDashed = true },
            new PlotSeries("observed", Blue, [.. report.Reliability.Select(bin => (bin.Confidence, bin.Accuracy))]) { IsDots = true },
        ]);

    public static Plot Deferral(CalibrationReport report)
    {
        var curve = report.Deferral;
        var at = curve.Gate[(int)Math.Round((1 - report.Groups[0].Coverage) * (curve.Gate.Count - 1))];
        return new Plot(
            Title("Deferral", report),
            new PlotAxis("share escalated", 0, 1),
            PlotAxis.Around("system right", curve.Gate.Concat(curve.Oracle).Select(each => each.Accuracy), fromZero: false),
            [
                new PlotSeries("gate", Blue, Points(curve.Gate)),
                new PlotSeries("oracle", Green, Points(curve.Oracle)) { IsDashed = true },
                new PlotSeries("random", Grey, [(0, curve.Gate[0].Accuracy), (1, curve.LargerAccuracy)]) { IsDashed = true },
                new PlotSeries("certified threshold", Purple, [(at.Escalated, at.Accuracy)]) { IsDots = true },
            ]);
    }

    private static string Title(string what, CalibrationReport report) => $"{what}: {report.Model} ({report.Gate.Certificate.Precision})";

    private static List<(double X, double Y)> Points(IReadOnlyList<DeferralPoint> points) => [.. points.Select(each => (each.Escalated, each.Accuracy))];
}

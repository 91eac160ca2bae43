using Vlm.Gating;
using Vlm.Statistics;

namespace Vlm.Edge.Calibrate;

/// <summary>Computes the figures of the report. Pure.</summary>
internal static class ReportFigures
{
    private const double Delta = 0.05;

    private static readonly string[] Token = [.. Signals.Names.Where(name => (name.Contains("logp", StringComparison.Ordinal) && !IsDecided(name))
        || name.Contains("margin", StringComparison.Ordinal) || name.Contains("entropy", StringComparison.Ordinal))];

    private static readonly string[] Removed = [.. Signals.Names.Where(name => name.Contains("removed", StringComparison.Ordinal))];

    private static readonly string[] Looks = [.. Signals.Names.Where(name => name.StartsWith("looks", StringComparison.Ordinal))];

    private static readonly string[] Decided = [.. Signals.Names.Where(IsDecided)];

    private static readonly string[] Structure = [.. Signals.Names.Where(name => name.StartsWith("verify", StringComparison.Ordinal) || name.StartsWith("code", StringComparison.Ordinal))];

    // Each row adds to the one before, after the three single scores. The last is the gate.
    private static readonly (string Title, string[] Names, bool WithVerifiers)[] Subsets =
    [
        ("mean log-probability of the answer", [Signals.MeanLogProbability], false),
        ("log-probability of the reply", [Signals.SequenceLogProbability], false),
        ("least log-probability of a token", [Signals.LeastLogProbability], false),
        ("quantiles per field", [.. Token.Where(name => name.Contains("logp", StringComparison.Ordinal))], false),
        ("+ margins and entropies per field", Token, false),
        ("+ mass removed by constrained decoding", [.. Token, .. Removed], false),
        ("+ letters decided together", [.. Token, .. Removed, .. Decided], false),
        ("+ further looks", [.. Token, .. Removed, .. Decided, .. Looks], false),
        ("+ verifiers", [.. Token, .. Removed, .. Decided, .. Looks, .. Structure], true),
        ("+ picture quality (all: the gate)", [.. Signals.Names], true),
    ];

    private static bool IsDecided(string name) => name.StartsWith("decided", StringComparison.Ordinal);

    public static IReadOnlyList<AblationRow> Ablation(CalibrationSplits splits, Promise promise) => [.. Subsets.Select(subset =>
    {
        var fitted = Calibration.Fit(splits, subset.Names, promise, subset.WithVerifiers);
        ScoredAnswer[] answers = [.. splits.Report.Select(item => item.Scored(fitted.Calibrator, subset.WithVerifiers))];
        var accepted = fitted.Threshold is { } certified ? answers.Where(answer => answer.Confidence >= certified.Threshold).ToArray() : null;
        return new AblationRow(
            subset.Title,
            Auroc.Of(answers),
            RiskCoverage.Of(answers).Aurc,
            accepted is null ? null : (double)accepted.Length / answers.Length,
            accepted is { Length: > 0 } ? accepted.Count(answer => !answer.IsCorrect) / (double)accepted.Length : null);
    })];

    /// <param name="report">The report split.</param>
    /// <param name="gate">Calibrator and threshold.</param>
    /// <param name="larger">The larger model's answers by index; null when it was not measured.</param>
    public static IReadOnlyList<GroupFigures> Groups(IReadOnlyList<Measurement> report, Gate gate, IReadOnlyDictionary<int, Measurement>? larger)
    {
        var groups = new List<GroupFigures> { Group("all", report) };
        foreach (var severity in report.Where(item => item.Severity is not null).GroupBy(item => item.Severity!.Value).OrderBy(group => group.Key))
            groups.Add(Group($"severity {severity.Key}", [.. severity]));
        return groups;

        GroupFigures Group(string name, IReadOnlyList<Measurement> items)
        {
            bool IsAccepted(Measurement item) => item.Scored(gate.Calibrator).Confidence >= gate.Threshold;
            var accepted = items.Where(IsAccepted).ToArray();
            var errors = accepted.Count(item => !item.IsCorrect);
            int? system = larger is null ? null : items.Count(item => IsAccepted(item) ? item.IsCorrect : larger[item.Index].IsCorrect);
            return new GroupFigures(
                name,
                items.Count,
                items.Count(item => item.IsCorrect),
                accepted.Length,
                errors,
                Binomial.UpperBound(errors, accepted.Length, Delta),
                Auroc.Of([.. items.Select(item => item.Scored(gate.Calibrator))]),
                system);
        }
    }

    /// <summary>The whole report of a certified gate.</summary>
    public static CalibrationReport Of(string model, Gate gate, CalibrationSplits splits, IReadOnlyDictionary<int, Measurement>? larger)
    {
        ScoredAnswer[] answers = [.. splits.Report.Select(item => item.Scored(gate.Calibrator))];
        var promise = new Promise(gate.Certificate.Risk, gate.Certificate.Delta);
        return new CalibrationReport
        {
            Model = model,
            Gate = gate,
            Confidence = ConfidenceFigures.Of(answers),
            Groups = Groups(splits.Report, gate, larger),
            Ablation = Ablation(splits, promise),
            RiskCoverage = RiskCoverage.Of(answers).Points,
            Reliability = CalibrationError.EqualMassBins(answers, ConfidenceFigures.Bins),
            Deferral = DeferralCurve.Of(answers, [.. splits.Report.Select(item => larger is null || larger[item.Index].IsCorrect)]),
        };
    }
}

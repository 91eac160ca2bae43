using Vlm.Gating;
using Vlm.Statistics;

namespace Vlm.Edge.Calibrate;

/// <summary>Computes the figures of the report. Pure.</summary>
internal static class ReportFigures
{
    private const double Delta = 0.05;

    private static readonly string[] Token = [.. Signals.Names.Where(name => name.Contains("logp", StringComparison.Ordinal))];

    private static readonly string[] Letters = [Signals.LeastBelief, Signals.PosteriorOfLetters];

    private static readonly string[] Looks = [.. Signals.Names.Where(name => name.StartsWith("looks", StringComparison.Ordinal))];

    private static readonly string[] Structure = [.. Signals.Names.Where(name => name.StartsWith("verify", StringComparison.Ordinal))];

    // After the single scores each row adds to the one before. The last is the gate.
    private static readonly (string Title, string[] Names, bool WithVerifiers)[] Subsets =
    [
        ("mean log-probability of the answer", [Signals.MeanLogProbability], false),
        ("log-probability of the reply", [Signals.SequenceLogProbability], false),
        ("least log-probability of a token", [Signals.LeastLogProbability], false),
        ("least belief in a letter", [Signals.LeastBelief], false),
        ("posterior without words", [Signals.PosteriorOfLetters], false),
        ("posterior with words", [Signals.PosteriorOfWords], false),
        ("log-probabilities of tokens together", Token, false),
        ("+ mass removed by constrained decoding", [.. Token, Signals.MostRemoved], false),
        ("+ beliefs in the letters", [.. Token, Signals.MostRemoved, .. Letters], false),
        ("+ posterior with words", [.. Token, Signals.MostRemoved, .. Letters, Signals.PosteriorOfWords], false),
        ("+ further looks", [.. Token, Signals.MostRemoved, .. Letters, Signals.PosteriorOfWords, .. Looks], false),
        ("+ verifiers", [.. Token, Signals.MostRemoved, .. Letters, Signals.PosteriorOfWords, .. Looks, .. Structure], true),
        ("+ picture quality (all: the gate)", [.. Signals.Names], true),
    ];

    private const int Worst = 5;

    public static IReadOnlyList<AblationRow> Ablation(CalibrationSplits splits, Promise promise) => [.. Subsets.Select(subset =>
    {
        var fitted = Calibration.Fit(splits, subset.Names, promise, subset.WithVerifiers);
        ScoredAnswer[] answers = Scored(splits.Report), readable = Scored(splits.Report.Where(item => item.IsReadable && !item.IsScene));
        var accepted = fitted.Threshold is { } certified ? readable.Where(answer => answer.Confidence >= certified.Threshold).ToArray() : null;
        return new AblationRow(
            subset.Title,
            Auroc.Of(answers),
            RiskCoverage.Of(answers).Aurc,
            accepted is null ? null : (double)accepted.Length / readable.Length,
            accepted is { Length: > 0 } ? accepted.Count(answer => !answer.IsCorrect) / (double)accepted.Length : null);

        ScoredAnswer[] Scored(IEnumerable<Measurement> items) => [.. items.Select(item => item.Scored(fitted.Calibrator, subset.WithVerifiers))];
    })];

    /// <summary>What becomes of the readable pictures, scenes apart: all, then per severity where severities are known.</summary>
    /// <param name="report">The report split.</param>
    /// <param name="gate">Calibrator and threshold.</param>
    /// <param name="larger">The larger model's answers to them by index; null when it was not measured.</param>
    public static IReadOnlyList<GroupFigures> Groups(IReadOnlyList<Measurement> report, Gate gate, IReadOnlyDictionary<int, Measurement>? larger)
    {
        Measurement[] readable = [.. report.Where(item => item.IsReadable && !item.IsScene)];
        var groups = new List<GroupFigures> { Group("all", readable) };
        foreach (var severity in readable.Where(item => item.Severity is not null).GroupBy(item => item.Severity!.Value).OrderBy(group => group.Key))
            groups.Add(Group($"severity {severity.Key}", [.. severity]));
        return groups;

        GroupFigures Group(string name, IReadOnlyList<Measurement> items)
        {
            var accepted = items.Where(item => IsAccepted(item, gate)).ToArray();
            var errors = accepted.Count(item => !item.IsRightlyAnswered);
            int? system = larger is null ? null : items.Count(item => IsAccepted(item, gate) ? item.IsCorrect : larger[item.Index].IsCorrect);
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

    /// <summary>What becomes of each kind of picture.</summary>
    public static IReadOnlyList<StratumFigures> Strata(IReadOnlyList<Measurement> report, Gate gate) =>
        [.. report.GroupBy(item => (item.IsScene, item.Stratum)).OrderBy(kind => kind.Key).Select(kind =>
        {
            Measurement[] items = [.. kind], accepted = [.. items.Where(item => IsAccepted(item, gate))];
            var wrong = accepted.Count(item => !item.IsRightlyAnswered);
            var isReadable = Calibration.IsReadable(kind.Key.Stratum);
            var worst = items.Where(item => !item.IsRuledOut() && !item.IsRightlyAnswered)
                .OrderByDescending(item => item.Scored(gate.Calibrator).Confidence).Take(Worst);
            var name = kind.Key.IsScene ? Certificate.Scenes : Calibration.Name(kind.Key.Stratum);
            return new StratumFigures(name, items.Length, items.Count(item => item.IsCorrect), accepted.Length, wrong)
            {
                IsReadable = isReadable,
                UpperBound = isReadable ? Binomial.UpperBound(wrong, accepted.Length, Delta) : Binomial.UpperBound(accepted.Length, items.Length, Delta),
                Worst = [.. worst.Select(item => new WorstAnswer(item.Index, item.Name, item.Expected, item.Answer!, item.Scored(gate.Calibrator).Confidence))],
            };
        })];

    /// <summary>The whole report of a certified gate.</summary>
    public static CalibrationReport Of(string model, Gate gate, (CalibrationSplits Splits, Promise Promise) from, IReadOnlyDictionary<int, Measurement>? larger)
    {
        var (splits, promise) = from;
        ScoredAnswer[] answers = [.. splits.Report.Select(item => item.Scored(gate.Calibrator))];
        Measurement[] readable = [.. splits.Report.Where(item => item.IsReadable && !item.IsScene)];
        ScoredAnswer[] ofReadable = [.. readable.Select(item => item.Scored(gate.Calibrator))];
        return new CalibrationReport
        {
            Model = model,
            Gate = gate,
            Confidence = ConfidenceFigures.Of(answers),
            Groups = Groups(splits.Report, gate, larger),
            Strata = Strata(splits.Report, gate),
            Ablation = Ablation(splits, promise),
            RiskCoverage = RiskCoverage.Of(ofReadable).Points,
            Reliability = CalibrationError.EqualMassBins(answers, ConfidenceFigures.Bins),
            Deferral = DeferralCurve.Of(ofReadable, [.. readable.Select(item => larger is null || larger[item.Index].IsCorrect)]),
        };
    }

    private static bool IsAccepted(Measurement item, Gate gate) => item.Scored(gate.Calibrator).Confidence >= gate.Threshold;
}

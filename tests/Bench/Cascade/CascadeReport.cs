using Vlm.Bench.Quality;
using Vlm.Edge.Routing;
using Vlm.Statistics;

namespace Vlm.Bench.Cascade;

/// <summary>What one way of answering comes to.</summary>
/// <param name="Name">Edge only, a threshold, or the larger model only.</param>
/// <param name="Threshold">Confidence that an answer needs to stay; null where no threshold decides.</param>
/// <param name="Right">Answers that are right.</param>
/// <param name="Count">Puzzles.</param>
/// <param name="Low">Lower end of the 95 % Wilson interval of the share that is right.</param>
/// <param name="High">Its upper end.</param>
/// <param name="Escalated">Questions that the larger model was asked.</param>
/// <param name="WrongKept">Wrong answers that the gate kept; null where no gate decides.</param>
/// <param name="P50">Seconds per answer that half of them do not exceed.</param>
/// <param name="P95">The same for 95 %.</param>
/// <param name="P99">The same for 99 %.</param>
/// <param name="BytesPerQuestion">Bytes sent to the larger model, over all questions.</param>
public sealed record CascadeRow(
    string Name, double? Threshold, int Right, int Count, double Low, double High, int Escalated, int? WrongKept, double P50, double P95, double P99,
    double BytesPerQuestion);

/// <summary>What a cascade run was asked to do and what it ran on.</summary>
public sealed record CascadeSubject(
    string Edge, string EdgeHash, string Larger, string LargerHash, string Split, long Seed, string? Severity, double CertifiedRisk, string Machine,
    string Versions, string Date);

/// <summary>Edge only, the cascade at some thresholds, the larger model only.</summary>
public sealed record CascadeReport(CascadeSubject Subject, IReadOnlyList<CascadeRow> Rows)
{
    // Escalated shares that thresholds are shown for, beside the certified one.
    private static readonly double[] Shares = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5];

    /// <summary>Sums up at least one item.</summary>
    /// <param name="subject">What was run.</param>
    /// <param name="threshold">The certified one.</param>
    /// <param name="items">In any order.</param>
    public static CascadeReport Of(CascadeSubject subject, double threshold, IReadOnlyCollection<CascadeItem> items)
    {
        ArgumentOutOfRangeException.ThrowIfZero(items.Count);
        var confidences = items.Select(item => item.HasHardFailure ? 0 : item.Confidence).Order().ToArray();
        var others = Shares.Select(share => confidences[Math.Min((int)(share * confidences.Length), confidences.Length - 1)])
            .Where(other => other > 0 && other != threshold).Distinct().Order();
        return new CascadeReport(subject,
        [
            Row("edge only", null, items, RoutingMode.LocalOnly),
            .. others.Where(other => other < threshold).Select(other => Row("cascade", other, items, RoutingMode.Escalate)),
            Row("cascade, certified threshold", threshold, items, RoutingMode.Escalate),
            .. others.Where(other => other > threshold).Select(other => Row("cascade", other, items, RoutingMode.Escalate)),
            Row("larger model only", null, items, RoutingMode.EscalateAll),
        ]);
    }

    private static CascadeRow Row(string name, double? threshold, IReadOnlyCollection<CascadeItem> items, RoutingMode mode)
    {
        var ends = items.Select(item => End(item, threshold, mode)).ToArray();
        var right = ends.Count(end => end.IsRight);
        var interval = WilsonInterval.Of(right, ends.Length);
        double[] seconds = [.. ends.Select(end => end.Seconds).Order()];
        return new CascadeRow(
            name, threshold, right, ends.Length, interval.Low, interval.High, ends.Count(end => end.IsEscalated),
            mode == RoutingMode.Escalate ? ends.Count(end => end is { IsEscalated: false, IsRight: false }) : null,
            QualityReport.Quantile(seconds, 0.5), QualityReport.Quantile(seconds, 0.95), QualityReport.Quantile(seconds, 0.99),
            ends.Average(end => (double)end.Bytes));
    }

    /// <summary>The daemon's own decision on this answer; an unusable answer of the larger model leaves the local one, as there.</summary>
    private static (bool IsRight, bool IsEscalated, double Seconds, long Bytes) End(CascadeItem item, double? threshold, RoutingMode mode)
    {
        var decision = Router.Decide(
            new Situation
            {
                Mode = mode,
                HasHardFailure = item.HasHardFailure,
                IsConfident = !item.HasHardFailure && item.Confidence >= threshold,
                Budget = BudgetVerdict.Granted,
                Link = Link.Online,
                HasTime = true,
                AuditShare = 0,
            },
            draw: 0.5);
        if (decision is not Decision.Escalate) return (item.Edge == item.Expected, false, item.EdgeSeconds, 0);
        // Asked of everything, the larger model would not wait for the small one.
        var before = mode == RoutingMode.EscalateAll ? 0 : item.EdgeSeconds;
        return ((item.Larger ?? item.Edge) == item.Expected, true, before + item.LargerSeconds, item.Bytes);
    }
}

using Vlm.Gating;
using Vlm.Statistics;

namespace Vlm.Edge.Calibrate;

/// <summary>The measured puzzles, divided: no puzzle serves two purposes.</summary>
/// <param name="Fit">For the calibrator and the order of thresholds.</param>
/// <param name="Certify">For the certificate alone.</param>
/// <param name="Report">For the figures that people read.</param>
internal sealed record CalibrationSplits(IReadOnlyList<Measurement> Fit, IReadOnlyList<Measurement> Certify, IReadOnlyList<Measurement> Report)
{
    // A certificate needs the most answers: its bound tightens with every one.
    public const double FitShare = 0.3, CertifyShare = 0.5;

    /// <summary>A seeded division; the rest that neither fits nor certifies reports.</summary>
    public static CalibrationSplits Of(IReadOnlyList<Measurement> all, long seed)
    {
        Measurement[] shuffled = [.. all.OrderBy(item => item.Index)];
        SeededRandom.From(seed, all.Count).Shuffle(shuffled);
        var (fit, certify) = ((int)(shuffled.Length * FitShare), (int)(shuffled.Length * CertifyShare));
        return new CalibrationSplits(shuffled[..fit], shuffled[fit..(fit + certify)], shuffled[(fit + certify)..]);
    }
}

/// <summary>A calibrator with the threshold that was certified for it.</summary>
/// <param name="Calibrator">Signals to probability.</param>
/// <param name="Threshold">Null when no threshold could be certified.</param>
/// <param name="SgrThreshold">What the older guarantee certifies on the same answers.</param>
internal sealed record CertifiedCalibrator(Calibrator Calibrator, CertifiedThreshold? Threshold, CertifiedThreshold? SgrThreshold);

/// <summary>The promise that is asked for: at most a share <paramref name="Risk"/> wrong, broken with probability <paramref name="Delta"/> at most.</summary>
internal readonly record struct Promise(double Risk, double Delta);

/// <summary>Fits and certifies. Pure.</summary>
internal static class Calibration
{
    // Looking further ahead than this is guessing.
    private const long MostPuzzles = 100_000_000;

    /// <summary>Fits on one split and certifies on another.</summary>
    /// <param name="splits">At least one answer of the fit split is not ruled out.</param>
    /// <param name="names">The signals to use.</param>
    /// <param name="promise">What to certify.</param>
    /// <param name="withVerifiers">Whether every hard failure rules an answer out, or only an unreadable reply.</param>
    public static CertifiedCalibrator Fit(CalibrationSplits splits, IReadOnlyList<string> names, Promise promise, bool withVerifiers = true)
    {
        var calibrator = Calibrator.Fit([.. splits.Fit.Select(item => item.ToLabelled(withVerifiers))], names);
        var (fit, certify) = (Kept(splits.Fit), Kept(splits.Certify));
        var grid = LearnThenTest.Grid([Readable(fit)], [certify.Length], promise.Risk, promise.Delta);
        return new CertifiedCalibrator(
            calibrator,
            LearnThenTest.Certify([Readable(certify)], grid, promise.Risk, promise.Delta),
            SelectionWithGuaranteedRisk.Certify(certify, promise.Risk, promise.Delta));

        static AnswerGroup Readable(ScoredAnswer[] answers) => new("readable", BoundedShare.WrongOfAccepted, answers);

        // What is ruled out is never accepted, so it has no part in the risk of what is.
        ScoredAnswer[] Kept(IReadOnlyList<Measurement> items) =>
            [.. items.Where(item => !item.IsRuledOut(withVerifiers)).Select(item => item.Scored(calibrator, withVerifiers))];
    }

    /// <summary>
    /// How many labelled puzzles more it would probably take to certify the promise, judged by the answers seen so far; null when more puzzles would not help,
    /// because at every threshold more answers are wrong than promised.
    /// </summary>
    public static long? Missing(CalibrationSplits splits, Calibrator? calibrator, Promise promise)
    {
        Measurement[] seen = [.. splits.Fit, .. splits.Certify];
        var fewest = Binomial.FewestTrials(promise.Risk, promise.Delta);
        var all = seen.Length + splits.Report.Count;
        // Too few to have seen what the model can do: enough for a certificate without errors if every answer is accepted.
        var least = (long)Math.Ceiling(fewest / CalibrationSplits.CertifyShare);
        if (calibrator is null || seen.Length < fewest) return Math.Max(1, least - all);

        var sorted = seen.Where(item => !item.IsRuledOut()).Select(item => item.Scored(calibrator)).OrderByDescending(answer => answer.Confidence).ToArray();
        long? best = null;
        for (int kept = 1, errors = 0; kept <= sorted.Length; kept++)
        {
            errors += sorted[kept - 1].IsCorrect ? 0 : 1;
            // A threshold takes equal confidences together.
            if (kept < sorted.Length && sorted[kept].Confidence == sorted[kept - 1].Confidence) continue;
            // A handful of answers says nothing about a small risk.
            if (kept < fewest / 4 || Accepted((double)errors / kept, promise) is not { } accepted) continue;
            var needed = (long)Math.Ceiling(accepted / ((double)kept / seen.Length) / CalibrationSplits.CertifyShare);
            best = best is { } found ? Math.Min(found, needed) : needed;
        }

        // When as many as there are should have done, the draw was unlucky; a quarter more is a new chance.
        return best is null or > MostPuzzles ? null : Math.Max(best.Value - all, Math.Max(1, all / 4));
    }

    /// <summary>The fewest accepted answers that certify the promise when a share <paramref name="risk"/> of them is wrong.</summary>
    private static long? Accepted(double risk, Promise promise)
    {
        if (risk >= promise.Risk) return null;
        // Grows by 5 % a step: about 300 steps to the bound.
        for (var accepted = Binomial.FewestTrials(promise.Risk, promise.Delta); accepted < MostPuzzles; accepted += Math.Max(1, accepted / 20))
        {
            var errors = (long)Math.Ceiling(risk * accepted);
            if (errors <= Binomial.MostEvents(accepted, promise.Risk, promise.Delta)) return accepted;
        }

        return null;
    }
}

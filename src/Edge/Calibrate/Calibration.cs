using Vlm.Gating;
using Vlm.Puzzles;
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

    /// <summary>A seeded division, the same shares of every stratum; the rest that neither fits nor certifies reports.</summary>
    public static CalibrationSplits Of(IReadOnlyList<Measurement> all, long seed)
    {
        var (fit, certify, report) = (new List<Measurement>(), new List<Measurement>(), new List<Measurement>());
        foreach (var stratum in all.GroupBy(item => (item.IsScene, item.Stratum)).OrderBy(group => group.Key))
        {
            Measurement[] shuffled = [.. stratum.OrderBy(item => item.Index)];
            SeededRandom.From(seed, shuffled.Length).Shuffle(shuffled);
            var (toFit, toCertify) = ((int)(shuffled.Length * FitShare), (int)(shuffled.Length * CertifyShare));
            fit.AddRange(shuffled[..toFit]);
            certify.AddRange(shuffled[toFit..(toFit + toCertify)]);
            report.AddRange(shuffled[(toFit + toCertify)..]);
        }

        return new CalibrationSplits(fit, certify, report);
    }

    /// <summary>The strata that anything was measured of, in order.</summary>
    public IReadOnlyList<Stratum> Strata => [.. Fit.Concat(Certify).Concat(Report).Select(item => item.Stratum).Distinct().Order()];
}

/// <summary>A calibrator with the threshold that was certified for it.</summary>
/// <param name="Calibrator">Signals to probability.</param>
/// <param name="Threshold">Null when no threshold could be certified.</param>
/// <param name="SgrThreshold">What the older guarantee certifies on the same answers.</param>
internal sealed record CertifiedCalibrator(Calibrator Calibrator, CertifiedThreshold? Threshold, CertifiedThreshold? SgrThreshold);

/// <summary>The promise that is asked for: at most a share <paramref name="Risk"/> wrong, broken with probability <paramref name="Delta"/> at most.</summary>
internal sealed record Promise(double Risk, double Delta)
{
    /// <summary>The kinds of pictures that it is for; the confidence is learned on all that were measured.</summary>
    public IReadOnlyList<Stratum> Strata { get; init; } = Enum.GetValues<Stratum>();

    /// <summary>
    /// The share of the readable answers whose acceptance is enough, above 0 to 1: a threshold no lower than it need be is safer where nothing was promised.
    /// </summary>
    public double Coverage { get; init; } = 1;
}

/// <summary>Fits and certifies. Pure.</summary>
/// <remarks>
/// One threshold keeps several promises: of the answers that it accepts to readable pictures, few are wrong; of each kind of picture that cannot be read, few
/// are accepted at all. Every puzzle counts once where the confidence is learned, so that a confidence is a share among pictures mixed as those were.
/// </remarks>
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
        AnswerGroup[] fit = Groups(splits.Fit), certify = Groups(splits.Certify);
        var grid = LearnThenTest.Grid(fit, [.. certify.Select(group => group.Answers.Count)], promise.Risk, promise.Delta, promise.Coverage);
        return new CertifiedCalibrator(
            calibrator,
            LearnThenTest.Certify(certify, grid, promise.Risk, promise.Delta),
            SelectionWithGuaranteedRisk.Certify(certify[0].Answers, promise.Risk, promise.Delta));

        AnswerGroup[] Groups(IReadOnlyList<Measurement> items) =>
        [
            Readable(string.Join(", ", Promised(splits, promise).Where(IsReadable).Select(Name)), items.Where(item => !item.IsScene)),
            // A group of their own: the easy pictures may not vouch for those in which the sheet must be found first.
            .. HasScenes(splits) ? [Readable(Certificate.Scenes, items.Where(item => item.IsScene))] : Array.Empty<AnswerGroup>(),
            .. Promised(splits, promise).Where(stratum => !IsReadable(stratum)).Select(stratum =>
                new AnswerGroup(Name(stratum), BoundedShare.AcceptedOfAsked, Scored(items.Where(item => item.Stratum == stratum)))),
        ];

        // What is ruled out is never accepted, so it has no part in the risk of what is.
        AnswerGroup Readable(string name, IEnumerable<Measurement> items) => new(name, BoundedShare.WrongOfAccepted,
            Scored(items.Where(item => item.IsReadable && promise.Strata.Contains(item.Stratum) && !item.IsRuledOut(withVerifiers))));

        ScoredAnswer[] Scored(IEnumerable<Measurement> items) => [.. items.Select(item => item.Scored(calibrator, withVerifiers))];
    }

    /// <summary>Whether such were measured.</summary>
    public static bool HasScenes(CalibrationSplits splits) => splits.Certify.Any(item => item.IsScene);

    /// <summary>The strata that were measured and that something is promised for.</summary>
    public static IEnumerable<Stratum> Promised(CalibrationSplits splits, Promise promise) => splits.Strata.Where(promise.Strata.Contains);

    /// <summary>Whether the pictures of a stratum can be read.</summary>
    public static bool IsReadable(Stratum stratum) => stratum is Stratum.Whole or Stratum.Reversed;

    /// <summary>What a stratum is called in options, tables and gates.</summary>
    public static string Name(Stratum stratum) => stratum.ToString().ToLowerInvariant();

    /// <summary>
    /// The stratum that cannot be read of which too few puzzles were measured to promise anything, with how many of it are needed; null when there is none.
    /// </summary>
    public static (Stratum Stratum, int Measured, long Needed)? TooSmall(CalibrationSplits splits, Promise promise)
    {
        // Enough for a certificate if none of them is accepted.
        var fewest = Binomial.FewestTrials(promise.Risk, promise.Delta);
        foreach (var stratum in Promised(splits, promise).Where(stratum => !IsReadable(stratum)))
        {
            if (splits.Certify.Count(item => item.Stratum == stratum) >= fewest) continue;
            var measured = splits.Fit.Concat(splits.Certify).Concat(splits.Report).Count(item => item.Stratum == stratum);
            return (stratum, measured, (long)Math.Ceiling(fewest / CalibrationSplits.CertifyShare));
        }

        return null;
    }

    /// <summary>
    /// The stratum that cannot be read of which most answers are accepted at the strictest threshold that the readable pictures alone would be certified with;
    /// null when that is within the promise for all.
    /// </summary>
    public static TestedGroup? InTheWay(CalibrationSplits splits, Calibrator calibrator, Promise promise)
    {
        Measurement[] promised = [.. splits.Certify.Where(item => promise.Strata.Contains(item.Stratum))];
        double[] sure = [.. promised.Where(item => item.IsReadable).Select(item => item.Scored(calibrator).Confidence).OrderDescending()];
        var fewest = Binomial.FewestTrials(promise.Risk, promise.Delta);
        if (sure.Length < fewest) return null;
        var strictest = sure[fewest - 1];
        return promised.Where(item => !item.IsReadable).GroupBy(item => item.Stratum).Select(Count)
            .Where(group => group.PValue > promise.Delta).MaxBy(group => group.PValue);

        TestedGroup Count(IGrouping<Stratum, Measurement> stratum)
        {
            var accepted = stratum.Count(item => item.Scored(calibrator).Confidence >= strictest);
            return new TestedGroup(Name(stratum.Key), stratum.Count(), accepted, accepted, Binomial.Tail(accepted, stratum.Count(), promise.Risk));
        }
    }

    /// <summary>
    /// How many readable puzzles more it would probably take to certify the promise, judged by the answers seen so far; null when more puzzles would not help,
    /// because at every threshold more answers are wrong than promised.
    /// </summary>
    public static long? Missing(CalibrationSplits splits, Calibrator? calibrator, Promise promise)
    {
        Measurement[] seen = [.. splits.Fit.Concat(splits.Certify).Where(item => item.IsReadable)];
        var fewest = Binomial.FewestTrials(promise.Risk, promise.Delta);
        var all = seen.Length + splits.Report.Count(item => item.IsReadable);
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

using System.Xml.Linq;
using Vlm.Cryptogram;
using Vlm.Drawing;
using Vlm.Edge.Calibrate;
using Vlm.Engine;
using Vlm.Gating;
using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Calibrate;

/// <summary>Fitting, certifying and reporting, on made-up measurements whose truth is known.</summary>
public sealed class CalibrationTests
{
    private static readonly Promise OnePercent = new(0.01, 0.05), TwoPercent = new(0.02, 0.05);

    [Fact]
    public void Every_puzzle_serves_one_purpose_and_the_seed_decides_which()
    {
        var all = Stream(1, 1000);
        var splits = CalibrationSplits.Of(all, seed: 5);
        Assert.Equal((300, 500, 200), (splits.Fit.Count, splits.Certify.Count, splits.Report.Count));
        Assert.Equal(Enumerable.Range(0, 1000), splits.Fit.Concat(splits.Certify).Concat(splits.Report).Select(item => item.Index).Order());
        Assert.Equal(splits.Report, CalibrationSplits.Of([.. all.Reverse()], seed: 5).Report);
        Assert.NotEqual(splits.Report, CalibrationSplits.Of(all, seed: 6).Report);
    }

    [Fact]
    public void A_stream_with_good_signals_is_certified_and_the_report_split_keeps_the_promise()
    {
        var splits = CalibrationSplits.Of(Stream(1, 6000), seed: 1);
        var certified = Calibration.Fit(splits, Signals.Names, OnePercent);
        var threshold = certified.Threshold!.Groups[0];
        Assert.True(Binomial.UpperBound(threshold.Errors, threshold.Accepted, 0.05) <= 0.01);
        var gate = ToGate(certified, splits);
        var all = ReportFigures.Groups(splits.Report, gate, larger: null)[0];
        Assert.InRange(all.Accepted / (double)all.Count, 0.5, 0.95);
        Assert.InRange(all.Errors / (double)all.Accepted, 0, 0.02);
    }

    [Fact]
    public void Pictures_that_cannot_be_read_hold_the_threshold_up_where_something_is_promised_for_them()
    {
        // Of what cannot be read, one in a hundred is as sure as the surest that can.
        Measurement[] all = [.. Stream(1, 4000), .. Unreadable(Stratum.Absent, 1500, 0.01)];
        var splits = CalibrationSplits.Of(all, seed: 1);
        Assert.Equal((450, 750, 300), (Count(splits.Fit), Count(splits.Certify), Count(splits.Report)));
        var loose = new Promise(0.1, 0.05);
        var promised = Calibration.Fit(splits, Signals.Names, loose with { Risk = 0.04 });
        var notPromised = Calibration.Fit(splits, Signals.Names, loose with { Risk = 0.04, Strata = [Stratum.Whole] });
        Assert.Equal(["whole", "absent"], promised.Threshold!.Groups.Select(group => group.Name));
        Assert.Equal(["whole"], notPromised.Threshold!.Groups.Select(group => group.Name));
        Assert.True(promised.Threshold.Threshold > notPromised.Threshold.Threshold);
        Assert.InRange(Binomial.UpperBound(promised.Threshold.Groups[1].Accepted, 750, 0.05), 0, 0.04);
        var row = ReportFigures.Strata(splits.Report, ToGate(promised, splits))[1];
        Assert.Equal(("absent", 300, 0, false), (row.Name, row.Asked, row.Right, row.IsReadable));
        Assert.Equal(row.Certified, row.Wrong);
        Assert.Equal(row.Worst.OrderByDescending(answer => answer.Confidence), row.Worst);
        Assert.Equal(5, row.Worst.Count);

        static int Count(IReadOnlyList<Measurement> items) => items.Count(item => item.Stratum == Stratum.Absent);
    }

    [Fact]
    public void Scenes_keep_a_promise_of_their_own_that_the_easy_pictures_cannot_vouch_for()
    {
        Measurement[] easy = Stream(1, 3000);
        var hard = Stream(2, 2000).Select(item => item with { IsScene = true, Index = item.Index + 10_000 }).ToArray();
        // One in twenty of the surest scenes is wrong: far more than is promised, and diluted among the others it would pass.
        Measurement[] wrong = [.. hard.Select((item, i) => i % 20 == 0 ? item with { Answer = "wrong" } : item)];

        var fair = Calibration.Fit(CalibrationSplits.Of([.. easy, .. hard], seed: 1), Signals.Names, TwoPercent);
        var spoilt = Calibration.Fit(CalibrationSplits.Of([.. easy, .. wrong], seed: 1), Signals.Names, TwoPercent);

        Assert.Equal(["whole", "scene"], fair.Threshold!.Groups.Select(group => group.Name));
        Assert.All(fair.Threshold.Groups, group => Assert.InRange(group.PValue, 0, 0.05));
        Assert.True(spoilt.Threshold is null || spoilt.Threshold.Groups[1].PValue <= 0.05);
        Assert.True((spoilt.Threshold?.Threshold ?? 1) > fair.Threshold.Threshold);
    }

    [Fact]
    public void The_gate_is_no_more_lenient_than_the_coverage_that_is_enough()
    {
        var splits = CalibrationSplits.Of(Stream(1, 6000), seed: 1);
        var lenient = Calibration.Fit(splits, Signals.Names, new Promise(0.5, 0.05));
        var enough = Calibration.Fit(splits, Signals.Names, new Promise(0.5, 0.05) { Coverage = 0.6 });
        Assert.InRange(lenient.Threshold!.Groups[0].Accepted, 2950, 3000);
        Assert.InRange(enough.Threshold!.Groups[0].Accepted / 3000.0, 0.55, 0.65);
    }

    [Fact]
    public void A_stratum_that_is_too_small_or_too_sure_to_promise_anything_is_named()
    {
        var few = CalibrationSplits.Of([.. Stream(1, 2000), .. Unreadable(Stratum.Empty, 100, 0)], seed: 1);
        Assert.Equal((Stratum.Empty, 100, 598L), Calibration.TooSmall(few, OnePercent));
        Assert.Null(Calibration.TooSmall(few, OnePercent with { Strata = [Stratum.Whole] }));
        var sure = CalibrationSplits.Of([.. Stream(1, 3000), .. Unreadable(Stratum.Empty, 1000, 1)], seed: 1);
        var fitted = Calibration.Fit(sure, [Signals.LeastLogProbability, "mapping.logp.min"], OnePercent);
        Assert.Null(fitted.Threshold);
        Assert.Equal("empty", Calibration.InTheWay(sure, fitted.Calibrator, OnePercent)!.Name);
        Assert.Null(Calibration.InTheWay(sure, fitted.Calibrator, OnePercent with { Strata = [Stratum.Whole] }));
    }

    [Fact]
    public void An_answer_with_unseen_letters_is_never_accepted_and_a_right_guess_is_no_right_answer()
    {
        var unseen = Stream(1, 1)[0] with { Answer = "c?t", Expected = "c?t", Stratum = Stratum.Covered };
        Assert.True(unseen.IsCorrect && unseen.IsRuledOut() && unseen.IsRuledOut(withVerifiers: false));
        var guess = unseen with { Answer = "cat", Expected = "cat" };
        Assert.False(guess.IsRuledOut() || guess.IsRightlyAnswered || guess.ToLabelled().IsCorrect);
        Assert.True((guess with { Stratum = Stratum.Reversed }).ToLabelled().IsCorrect);
    }

    [Fact]
    public void Drawn_puzzles_are_those_of_their_stratum_and_what_shall_be_unreadable_is()
    {
        var options = new CalibrateOptions
        {
            Model = "",
            Risk = 0.01,
            Delta = 0.05,
            Data = null,
            Split = Split.Camera,
            Severity = new SeverityRange(0, 1),
            Strata = [new(Stratum.Whole, 2), new(Stratum.Reversed, 1), new(Stratum.Two, 3)],
            Promised = [Stratum.Whole],
            Coverage = 0.98,
            Seed = 5,
            Batch = 1,
            Engine = new EngineOptions { Threads = 1 },
            Scenes = 1,
            Search = new SheetSearch("", FindMode.Never),
            Larger = null,
            Runs = "",
        };
        var puzzles = LabelledPuzzles.From(options);
        var drawn = puzzles.Indices.Select(puzzles.At).ToArray();
        Assert.Equal(
            [Stratum.Whole, Stratum.Whole, Stratum.Reversed, Stratum.Two, Stratum.Two, Stratum.Two, Stratum.Whole], drawn.Select(puzzle => puzzle.Stratum));
        Assert.Equal(Enumerable.Range(0, 7).Select(i => i == 6), drawn.Select(puzzle => puzzle.IsScene));
        Assert.All(drawn, puzzle => Assert.Equal(puzzle.IsReadable, !puzzle.Answer.Contains('?', StringComparison.Ordinal)));
        // More of one stratum moves no other.
        var more = LabelledPuzzles.From(options with { Strata = [new(Stratum.Whole, 4), .. options.Strata.Skip(1)] });
        Assert.Equal(puzzles.Key, more.Key);
        Assert.Superset(puzzles.Indices.ToHashSet(), more.Indices.ToHashSet());
        Assert.Equal(drawn[^1].Hash(), more.At(more.Indices[^1]).Hash());
    }

    [Fact]
    public void What_a_verifier_rules_out_is_never_accepted()
    {
        // Right and sure, but ruled out: accepting everything must not accept these.
        Measurement[] all = [.. Stream(1, 2000).Select(item => item with { HardFailures = item.Index % 2 == 0 ? [Verifier.Injectivity] : [] })];
        var splits = CalibrationSplits.Of(all, seed: 1);
        var gate = ToGate(Calibration.Fit(splits, Signals.Names, new Promise(0.2, 0.05)), splits);
        var accepted = ReportFigures.Groups(splits.Report, gate, larger: null)[0].Accepted;
        Assert.InRange(accepted, 1, splits.Report.Count(item => item.Index % 2 == 1));
    }

    [Fact]
    public void Too_few_puzzles_are_told_how_many_are_missing()
    {
        var few = CalibrationSplits.Of(Stream(1, 60), seed: 1);
        Assert.Equal(598 - 60, Calibration.Missing(few, calibrator: null, OnePercent));

        var some = CalibrationSplits.Of(Stream(1, 700), seed: 1);
        var fitted = Calibration.Fit(some, Signals.Names, OnePercent);
        Assert.Null(fitted.Threshold);
        // An expectation, not a promise: 6,000 of this stream do (below), and so many more are the most that it may ask for.
        Assert.InRange(Calibration.Missing(some, fitted.Calibrator, OnePercent)!.Value, 1, 6000 - 700);
    }

    [Fact]
    public void A_model_that_is_wrong_too_often_everywhere_is_not_told_to_draw_more()
    {
        Measurement[] all = [.. Stream(1, 3000).Select(item => item with { Answer = item.Index % 10 == 0 ? "wrong" : item.Expected })];
        var splits = CalibrationSplits.Of(all, seed: 1);
        var fitted = Calibration.Fit(splits, Signals.Names, OnePercent);
        Assert.Null(fitted.Threshold);
        Assert.Null(Calibration.Missing(splits, fitted.Calibrator, OnePercent));
    }

    [Fact]
    public void A_deferral_curve_goes_from_the_small_models_accuracy_to_the_larger_ones()
    {
        ScoredAnswer[] small = [new(0.9, true), new(0.8, false), new(0.7, true), new(0.1, false)];
        var curve = DeferralCurve.Of(small, [true, false, true, true]);
        Assert.Equal([0.5, 0.75, 0.75, 0.75, 0.75], curve.Gate.Select(point => point.Accuracy));
        Assert.Equal([0.5, 0.75, 0.75, 0.75, 0.75], curve.Oracle.Select(point => point.Accuracy));
        Assert.Equal(1, curve.Gain!.Value, 1e-12);
        Assert.Null(DeferralCurve.Of([new(0.5, true)], [true]).Gain);
    }

    [Fact]
    public void The_page_is_whole_has_its_plots_inside_and_no_script()
    {
        var splits = CalibrationSplits.Of(Stream(1, 3000), seed: 1);
        var gate = ToGate(Calibration.Fit(splits, Signals.Names, TwoPercent), splits);
        var larger = splits.Report.ToDictionary(item => item.Index, item => item with { Answer = item.Expected });
        var report = ReportFigures.Of("a <model> & more", gate, (splits, TwoPercent), larger) with { Larger = "larger" };

        var page = ReportPage.Of(report);

        var document = XDocument.Parse(page["<!doctype html>\n".Length..]);
        Assert.Equal(3, document.Descendants().Count(element => element.Name.LocalName == "svg"));
        Assert.Empty(document.Descendants("script"));
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
        Assert.Equal(["all", "severity 0", "severity 1", "severity 2", "severity 3"], report.Groups.Select(group => group.Group));
        Assert.Equal(report.Groups[0].Count, report.Groups.Skip(1).Sum(group => group.Count));
        // A larger model that is always right leaves only the accepted errors.
        Assert.Equal(report.Groups[0].Count - report.Groups[0].Errors, report.Groups[0].SystemCorrect);
        // The signal that decides is among the quantiles, not in the mean of the answer.
        Assert.True(report.Ablation[^1].Auroc > report.Ablation[0].Auroc + 0.2);
        Assert.Contains("a &lt;model&gt; &amp; more", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_pictures_show_what_the_page_shows_with_the_certified_point_where_it_belongs()
    {
        var splits = CalibrationSplits.Of(Stream(1, 3000), seed: 1);
        var report = ReportFigures.Of("model", ToGate(Calibration.Fit(splits, Signals.Names, TwoPercent), splits), (splits, TwoPercent), larger: null);
        Plot[] plots = [ReportPlots.RiskCoverage(report), ReportPlots.Reliability(report), ReportPlots.Deferral(report)];
        foreach (var plot in plots)
        {
            var picture = PngPen.Draw(plot, Fonts.Reference);
            var dots = XDocument.Parse(SvgPen.Draw(plot)).Descendants().Where(element => element.Name.LocalName == "circle").Select(Dot).ToArray();
            Assert.NotEmpty(dots);
            // The title stands above the plot in the picture alone; two pixels a unit.
            Assert.Equal((int)(2 * Plot.Width), picture.Width);
            var title = picture.Height - (int)(2 * plot.Height);
            Assert.All(dots, dot => Assert.Equal(dot.Colour, Hex(picture, (int)(2 * dot.X), (int)(2 * dot.Y) + title)));
        }

        var all = report.Groups[0];
        Assert.Contains(
            plots[0].Series, series => series is { Name: "certified threshold", IsDots: true } && series.Points.Single() == (all.Coverage, all.Risk));
    }

    private static (double X, double Y, string Colour) Dot(XElement circle) =>
        ((double)circle.Attribute("cx")!, (double)circle.Attribute("cy")!, circle.Attribute("fill")!.Value);

    private static string Hex(RgbImage picture, int x, int y)
    {
        var pixel = picture.Pixels.AsSpan((y * picture.Width + x) * 3, 3);
        return $"#{pixel[0]:x2}{pixel[1]:x2}{pixel[2]:x2}";
    }

    private static Gate ToGate(CertifiedCalibrator certified, CalibrationSplits splits) => new()
    {
        Format = Gate.CurrentFormat,
        Calibrator = certified.Calibrator,
        Threshold = certified.Threshold!.Threshold,
        Certificate = new Certificate
        {
            Risk = 0.01,
            Delta = 0.05,
            Accepted = certified.Threshold.Groups[0].Accepted,
            Errors = certified.Threshold.Groups[0].Errors,
            PValue = certified.Threshold.PValue,
            Coverage = 0.5,
            Strata = [.. certified.Threshold.Groups.Select(group => new CertifiedStratum(group.Name, group.Asked, group.Accepted, group.Errors, group.PValue))],
            NotPromised = ["reversed"],
            Splits = new SplitSizes(splits.Fit.Count, splits.Certify.Count, splits.Report.Count),
            SplitSeed = 1,
            DataSet = "made up",
            DataSetHash = "00",
            ModelHash = "00",
            Precision = "fp32",
            CalibratorHash = certified.Calibrator.Hash(),
            Date = DateTimeOffset.UnixEpoch,
        },
    };

    /// <summary>Answers to pictures that cannot be read, a share of them as sure as any.</summary>
    private static Measurement[] Unreadable(Stratum stratum, int count, double sure) => [.. Enumerable.Range(0, count).Select(index =>
    {
        var rng = SeededRandom.From(77, (long)stratum, index);
        double[] values = [.. Signals.Names.Select(_ => rng.NextDouble())];
        values[Signals.Index("mapping.logp.min")] = rng.Chance(sure) ? 16 + rng.NextDouble() : (8 * rng.NextDouble()) - 2;
        return Stream(1, 1)[0] with { Index = ((int)stratum * 1_000_000) + index, Stratum = stratum, Severity = null, Expected = "c?t", Answer = "cat",
            Signals = values };
    })];

    /// <summary>One signal of a token decides the chance to be right (90 % overall); the rest is noise.</summary>
    private static Measurement[] Stream(long seed, int count) => [.. Enumerable.Range(0, count).Select(index =>
    {
        var rng = SeededRandom.From(seed, index);
        double[] values = [.. Signals.Names.Select(_ => rng.NextDouble())];
        var surety = 16 * rng.NextDouble() - 2;
        values[Signals.Index("mapping.logp.min")] = surety;
        var isCorrect = rng.Chance(1 / (1 + Math.Exp(-surety)));
        return new Measurement
        {
            Index = index,
            Name = $"made up {index}",
            Severity = index % 4,
            Stratum = Stratum.Whole,
            Expected = "cat",
            Answer = isCorrect ? "cat" : "car",
            HardFailures = [],
            Signals = values,
            PuzzleHash = $"{index}",
        };
    })];
}

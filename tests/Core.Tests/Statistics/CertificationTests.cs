using Vlm.Statistics;

namespace Vlm.Core.Tests.Statistics;

/// <summary>
/// What certified thresholds promise, on simulated answers whose true risk is known: right answers score Normal(d, 1), wrong ones Normal(0, 1).
/// </summary>
public sealed class CertificationTests
{
    private const double Accuracy = 0.96, Distance = 2.326, Risk = 0.01, Delta = 0.05;
    private const int Calibrations = 1000, Answers = 1500;

    [Fact]
    public void Over_a_thousand_calibrations_the_certified_promise_is_broken_as_rarely_as_promised_and_the_naive_one_about_every_second_time()
    {
        int broken = 0, naivelyBroken = 0, certified = 0;
        for (int i = 0; i < Calibrations; i++)
        {
            var rng = SeededRandom.From(7, i);
            var (fit, certify) = (Draw(rng, Answers / 2), Draw(rng, Answers));
            var threshold = LearnThenTest.Certify(Readable(certify), LearnThenTest.Grid(Readable(fit), [Answers], Risk, Delta), Risk, Delta);
            if (threshold is not null)
            {
                certified++;
                broken += TrueRisk(threshold.Threshold) > Risk ? 1 : 0;
            }

            naivelyBroken += TrueRisk(NaiveThreshold(certify)) > Risk ? 1 : 0;
        }

        // Three standard errors of a share of 5 % among 1,000.
        Assert.InRange(broken, 1, (int)(Calibrations * (Delta + 3 * Math.Sqrt(Delta * (1 - Delta) / Calibrations))));
        Assert.InRange(naivelyBroken, Calibrations * 40 / 100, Calibrations * 60 / 100);
        // Caution must not mean refusing to answer.
        Assert.InRange(certified, Calibrations * 80 / 100, Calibrations);
    }

    [Fact]
    public void Over_a_thousand_calibrations_the_promises_of_all_groups_together_are_broken_as_rarely_as_promised()
    {
        // Questions that should not be answered score Normal(-0.4, 1) and Normal(-0.8, 1): the first is what binds.
        int broken = 0, certified = 0, brokenForReadableAlone = 0;
        for (int i = 0; i < Calibrations; i++)
        {
            var rng = SeededRandom.From(8, i);
            var (fit, certify) = (Grouped(rng, Answers / 2, 400), Grouped(rng, Answers, 800));
            var grid = LearnThenTest.Grid(fit, [Answers, 800, 800], Risk, Delta);
            if (LearnThenTest.Certify(certify, grid, Risk, Delta) is { } threshold)
            {
                certified++;
                broken += IsBroken(threshold.Threshold) ? 1 : 0;
                Assert.All(threshold.Groups, group => Assert.InRange(group.PValue, 0, Delta));
            }

            var alone = LearnThenTest.Certify([certify[0]], LearnThenTest.Grid([fit[0]], [Answers], Risk, Delta), Risk, Delta);
            brokenForReadableAlone += alone is not null && IsBroken(alone.Threshold) ? 1 : 0;
        }

        Assert.InRange(broken, 1, (int)(Calibrations * (Delta + 3 * Math.Sqrt(Delta * (1 - Delta) / Calibrations))));
        // A certificate for the readable alone says nothing of the others.
        Assert.InRange(brokenForReadableAlone, Calibrations / 2, Calibrations);
        Assert.InRange(certified, Calibrations * 60 / 100, Calibrations);

        static bool IsBroken(double threshold) => TrueRisk(threshold) > Risk || Above(threshold + 0.4) > Risk || Above(threshold + 0.8) > Risk;
    }

    [Fact]
    public void A_threshold_passes_only_when_every_group_does()
    {
        AnswerGroup readable = new("readable", BoundedShare.WrongOfAccepted,
            [.. Enumerable.Repeat(new ScoredAnswer(0.9, true), 400), .. Enumerable.Repeat(new ScoredAnswer(0.6, true), 400)]);
        AnswerGroup empty = new("empty", BoundedShare.AcceptedOfAsked,
            [.. Enumerable.Repeat(new ScoredAnswer(0.1, false), 290), .. Enumerable.Repeat(new ScoredAnswer(0.7, false), 10)]);
        Assert.Equal(0.5, LearnThenTest.Certify([readable], [0.8, 0.5], Risk, Delta)!.Threshold);
        var both = LearnThenTest.Certify([readable, empty], [0.8, 0.5], Risk, Delta)!;
        Assert.Equal((0.8, new TestedGroup("empty", 300, 0, 0, Math.Pow(0.99, 300))), (both.Threshold, both.Groups[1] with { PValue = Math.Pow(0.99, 300) }));
        Assert.Equal(Math.Pow(0.99, 300), both.Groups[1].PValue, 1e-12);
        Assert.Equal(both.Groups.Max(group => group.PValue), both.PValue);
        // A right guess counts as well: what cannot be read should not be accepted at all.
        var guessed = empty with { Answers = [.. empty.Answers.Select(answer => answer with { IsCorrect = true })] };
        Assert.Equal(0.8, LearnThenTest.Certify([readable, guessed], [0.8, 0.5], Risk, Delta)!.Threshold);
        Assert.Null(LearnThenTest.Certify([readable, empty with { Answers = [.. empty.Answers.Take(298)] }], [0.8, 0.5], Risk, Delta));
        Assert.Equal([0.9], LearnThenTest.Grid([readable, empty], [800, 300], Risk, Delta).Take(1));
    }

    [Fact]
    public void Fixed_sequence_testing_keeps_more_answers_than_the_older_guarantee_and_both_keep_the_promise()
    {
        var rng = SeededRandom.From(11);
        var certify = Draw(rng, 5000);
        var fixedSequence =
            LearnThenTest.Certify(Readable(certify), LearnThenTest.Grid(Readable(Draw(rng, 5000)), [5000], Risk, Delta), Risk, Delta)!.Groups[0];
        var search = SelectionWithGuaranteedRisk.Certify(certify, Risk, Delta)!.Groups[0];
        Assert.True(fixedSequence.Accepted >= search.Accepted);
        Assert.All((TestedGroup[])[fixedSequence, search], found =>
        {
            Assert.True(found.PValue <= Delta);
            Assert.True(Binomial.UpperBound(found.Errors, found.Accepted, Delta) <= Risk);
        });
        // The reference simulation certifies .868 and .855 of the answers here.
        Assert.InRange(fixedSequence.Accepted / 5000.0, 0.80, 0.92);
        Assert.InRange(search.Accepted / 5000.0, 0.78, 0.92);
    }

    [Fact]
    public void The_sequence_stops_at_the_first_threshold_that_cannot_be_certified()
    {
        // 300 right above 0.9; at 0.8 twenty wrong ones join; far below, enough right ones that the last threshold alone would pass.
        ScoredAnswer[] answers =
        [
            .. Enumerable.Repeat(new ScoredAnswer(0.95, true), 300),
            .. Enumerable.Repeat(new ScoredAnswer(0.85, false), 20),
            .. Enumerable.Repeat(new ScoredAnswer(0.5, true), 5000),
        ];
        var found = LearnThenTest.Certify(Readable(answers), [0.9, 0.8, 0.4], Risk, Delta)!;
        Assert.Equal((0.9, 300, 0), (found.Threshold, found.Groups[0].Accepted, found.Groups[0].Errors));
        Assert.True(Binomial.Tail(20, 5320, Risk) <= Delta);
    }

    [Fact]
    public void Too_few_answers_certify_nothing()
    {
        var right = Enumerable.Repeat(new ScoredAnswer(0.9, true), 298).ToArray();
        Assert.Null(LearnThenTest.Certify(Readable(right), [0.5], Risk, Delta));
        Assert.Null(SelectionWithGuaranteedRisk.Certify(right, Risk, Delta));
        Assert.Null(LearnThenTest.Certify(Readable([]), [], Risk, Delta));
        Assert.Empty(LearnThenTest.Grid(Readable([]), [100], Risk, Delta));
        Assert.NotNull(LearnThenTest.Certify(Readable([.. right, new ScoredAnswer(0.9, true)]), [0.5], Risk, Delta));
    }

    [Fact]
    public void No_threshold_accepts_more_than_the_coverage_that_is_enough()
    {
        var answers = Enumerable.Range(1, 1000).Select(i => new ScoredAnswer(i / 1000.0, true)).ToArray();
        Assert.Equal(0.001, LearnThenTest.Grid(Readable(answers), [1000], Risk, Delta)[^1], 1e-9);
        Assert.Equal(0.021, LearnThenTest.Grid(Readable(answers), [1000], Risk, Delta, coverage: 0.98)[^1], 1e-9);
    }

    [Fact]
    public void Thresholds_that_do_not_fall_are_refused() =>
        Assert.Throws<ArgumentException>(
            () => LearnThenTest.Certify(Readable([.. Enumerable.Repeat(new ScoredAnswer(1, true), 400)]), [0.5, 0.6], Risk, Delta));

    [Fact]
    public void The_betting_test_rarely_alarms_when_the_promise_is_kept_and_soon_when_it_is_not()
    {
        int falseAlarms = 0, alarms = 0;
        for (int run = 0; run < 200; run++)
        {
            falseAlarms += IsAlarm(SeededRandom.From(1, run), errorRate: Risk, answers: 1000) ? 1 : 0;
            alarms += IsAlarm(SeededRandom.From(2, run), errorRate: 5 * Risk, answers: 1000) ? 1 : 0;
        }

        // 5 % of 200 and three standard errors.
        Assert.InRange(falseAlarms, 0, 19);
        Assert.InRange(alarms, 195, 200);
    }

    [Fact]
    public void The_wealth_starts_at_one_rises_with_errors_and_falls_without()
    {
        var start = new BettingTest(Risk, Delta);
        Assert.Equal(1, start.Wealth, 1e-12);
        Assert.False(start.IsAlarm);
        Assert.True(start.After(isError: true).Wealth > 1);
        Assert.True(start.After(isError: false).Wealth < 1);
        // A fair game: the expected wealth after one answer at exactly the promised risk is the wealth before it.
        Assert.Equal(1, Risk * start.After(true).Wealth + (1 - Risk) * start.After(false).Wealth, 1e-12);
        Assert.True(new BettingTest(Risk, Delta, Audited: 5, Errors: 3).IsAlarm);
    }

    private static bool IsAlarm(SeededRandom rng, double errorRate, int answers)
    {
        var test = new BettingTest(Risk, Delta);
        for (int i = 0; i < answers; i++)
        {
            test = test.After(rng.Chance(errorRate));
            if (test.IsAlarm) return true;
        }

        return false;
    }

    private static double NaiveThreshold(ScoredAnswer[] answers)
    {
        var curve = RiskCoverage.Of(answers);
        int kept = Math.Max(1, (int)Math.Round(curve.CoverageAt(Risk) * answers.Length));
        return answers.OrderByDescending(answer => answer.Confidence).ElementAt(kept - 1).Confidence;
    }

    private static AnswerGroup[] Readable(IReadOnlyList<ScoredAnswer> answers) => [new AnswerGroup("readable", BoundedShare.WrongOfAccepted, answers)];

    private static AnswerGroup[] Grouped(SeededRandom rng, int readable, int others) =>
    [
        .. Readable(Draw(rng, readable)),
        .. ((double[])[-0.4, -0.8]).Select(mean => new AnswerGroup($"{mean}", BoundedShare.AcceptedOfAsked,
            [.. Enumerable.Range(0, others).Select(_ => new ScoredAnswer(Normal(rng) + mean, false))])),
    ];

    private static ScoredAnswer[] Draw(SeededRandom rng, int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        bool isCorrect = rng.Chance(Accuracy);
        return new ScoredAnswer(Normal(rng) + (isCorrect ? Distance : 0), isCorrect);
    })];

    // Box and Muller.
    private static double Normal(SeededRandom rng) => Math.Sqrt(-2 * Math.Log(1 - rng.NextDouble())) * Math.Cos(2 * Math.PI * rng.NextDouble());

    private static double TrueRisk(double threshold)
    {
        double wrong = (1 - Accuracy) * Above(threshold);
        return wrong / (wrong + Accuracy * Above(threshold - Distance));
    }

    /// <summary>P(Normal(0, 1) ≥ x), to 1e-7 (Abramowitz and Stegun 26.2.17).</summary>
    private static double Above(double x)
    {
        if (x < 0) return 1 - Above(-x);
        double t = 1 / (1 + 0.2316419 * x);
        double density = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
        return density * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    }
}

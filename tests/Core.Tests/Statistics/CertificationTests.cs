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
            var threshold = LearnThenTest.Certify(certify, LearnThenTest.Grid(fit, Answers, Risk, Delta), Risk, Delta);
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
    public void Fixed_sequence_testing_keeps_more_answers_than_the_older_guarantee_and_both_keep_the_promise()
    {
        var rng = SeededRandom.From(11);
        var certify = Draw(rng, 5000);
        var fixedSequence = LearnThenTest.Certify(certify, LearnThenTest.Grid(Draw(rng, 5000), 5000, Risk, Delta), Risk, Delta)!;
        var search = SelectionWithGuaranteedRisk.Certify(certify, Risk, Delta)!;
        Assert.True(fixedSequence.Accepted >= search.Accepted);
        Assert.All((CertifiedThreshold[])[fixedSequence, search], found =>
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
        var found = LearnThenTest.Certify(answers, [0.9, 0.8, 0.4], Risk, Delta)!;
        Assert.Equal((0.9, 300, 0), (found.Threshold, found.Accepted, found.Errors));
        Assert.True(Binomial.Tail(20, 5320, Risk) <= Delta);
    }

    [Fact]
    public void Too_few_answers_certify_nothing()
    {
        var right = Enumerable.Repeat(new ScoredAnswer(0.9, true), 298).ToArray();
        Assert.Null(LearnThenTest.Certify(right, [0.5], Risk, Delta));
        Assert.Null(SelectionWithGuaranteedRisk.Certify(right, Risk, Delta));
        Assert.Null(LearnThenTest.Certify([], [], Risk, Delta));
        Assert.Empty(LearnThenTest.Grid([], 100, Risk, Delta));
        Assert.NotNull(LearnThenTest.Certify([.. right, new ScoredAnswer(0.9, true)], [0.5], Risk, Delta));
    }

    [Fact]
    public void Thresholds_that_do_not_fall_are_refused() =>
        Assert.Throws<ArgumentException>(() => LearnThenTest.Certify([.. Enumerable.Repeat(new ScoredAnswer(1, true), 400)], [0.5, 0.6], Risk, Delta));

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

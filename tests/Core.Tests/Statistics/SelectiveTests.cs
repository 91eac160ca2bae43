using FsCheck;
using FsCheck.Fluent;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Statistics;

/// <summary>Ranking, calibration and the calibrators, against scikit-learn.</summary>
public sealed class SelectiveTests
{
    private const double Exact = 1e-12;

    [Fact]
    public void Auroc_is_that_of_scikit_learn() => Assert.Equal(GoldenAnswers.Number("auroc"), Auroc.Of(GoldenAnswers.All)!.Value, Exact);

    [Fact]
    public void Auroc_says_nothing_about_answers_of_one_kind()
    {
        Assert.Null(Auroc.Of([new(0.2, true), new(0.9, true)]));
        Assert.Null(Auroc.Of([]));
        Assert.Equal(0.5, Auroc.Of([new(0.3, true), new(0.3, false)]));
    }

    [Fact]
    public void Auroc_of_the_opposite_confidence_is_the_rest_to_one() =>
        Prop.ForAll<(NormalFloat Confidence, bool IsCorrect)[]>(rows =>
        {
            var answers = rows.Select(row => new ScoredAnswer(row.Confidence.Get, row.IsCorrect)).ToArray();
            var turned = answers.Select(answer => answer with { Confidence = -answer.Confidence }).ToArray();
            return Auroc.Of(answers) is not { } auroc || Math.Abs(auroc + Auroc.Of(turned)!.Value - 1) < Exact;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_risk_coverage_curve_and_its_areas_are_those_of_the_reference()
    {
        var curve = RiskCoverage.Of(GoldenAnswers.All);

        var expected = GoldenAnswers.Cases("risk_coverage").Select(GoldenAnswers.Row).ToArray();
        Assert.Equal(expected.Length, curve.Points.Count);
        Assert.All(expected.Zip(curve.Points), pair =>
        {
            Assert.Equal(pair.First[0], pair.Second.Coverage, Exact);
            Assert.Equal(pair.First[1], pair.Second.Risk, Exact);
        });
        Assert.Equal(GoldenAnswers.Number("aurc"), curve.Aurc, Exact);
        Assert.Equal(GoldenAnswers.Number("aurc_oracle"), curve.OracleAurc, Exact);
        Assert.Equal(GoldenAnswers.Number("augrc"), curve.Augrc, Exact);
    }

    [Fact]
    public void The_oracle_is_never_worse()
    {
        var curve = RiskCoverage.Of([new(0.9, false), new(0.8, true), new(0.7, true)]);
        Assert.True(curve.OracleAurc < curve.Aurc);
        Assert.Equal(0, curve.CoverageAt(0.1));
        Assert.Equal(1, curve.CoverageAt(0.34));
    }

    [Fact]
    public void Brier_and_expected_calibration_error_are_those_of_the_reference()
    {
        Assert.Equal(GoldenAnswers.Number("brier"), CalibrationError.Brier(GoldenAnswers.All), Exact);
        foreach (var bins in GoldenAnswers.File.GetProperty("ece_equal_mass").EnumerateObject())
            Assert.Equal(bins.Value.GetDouble(), CalibrationError.Expected(CalibrationError.EqualMassBins(GoldenAnswers.All, int.Parse(bins.Name))), Exact);
    }

    [Fact]
    public void Calibration_is_measured_on_probabilities_only() =>
        Assert.Throws<ArgumentException>(() => CalibrationError.Brier([new(1.5, true)]));

    [Theory]
    [InlineData("logistic_C1.0", 1.0)]
    [InlineData("logistic_C0.1", 0.1)]
    public void Logistic_regression_is_that_of_scikit_learn(string key, double c)
    {
        var golden = GoldenAnswers.File.GetProperty(key);

        var fitted = LogisticRegression.Fit(GoldenAnswers.Features, GoldenAnswers.Labels, c);

        foreach (var (expected, found) in GoldenAnswers.Row(golden.GetProperty("coef")).Zip(fitted.Weights))
            Assert.Equal(expected, found, 1e-6);
        Assert.Equal(golden.GetProperty("intercept").GetDouble(), fitted.Intercept, 1e-6);
        foreach (var (expected, features) in GoldenAnswers.Row(golden.GetProperty("probability_first5")).Zip(GoldenAnswers.Features))
            Assert.Equal(expected, fitted.Probability(features), 1e-6);
    }

    [Fact]
    public void Without_a_reason_to_be_negative_the_weights_are_those_of_the_free_fit()
    {
        var free = LogisticRegression.Fit(GoldenAnswers.Features, GoldenAnswers.Labels, 1);
        double[][] turned = [.. GoldenAnswers.Features.Select(row => (double[])[.. row.Zip(free.Weights, (value, weight) => weight < 0 ? -value : value)])];
        var held = LogisticRegression.Fit(turned, GoldenAnswers.Labels, 1, nonNegative: true);
        Assert.All(free.Weights.Zip(held.Weights), pair => Assert.Equal(Math.Abs(pair.First), pair.Second, 1e-6));
        Assert.Equal(free.Intercept, held.Intercept, 1e-6);
    }

    [Fact]
    public void Weights_of_at_least_zero_meet_the_conditions_of_the_least_loss() =>
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
        {
            var rng = SeededRandom.From(9, seed);
            var (size, c) = (rng.Between(1, 12), Math.Pow(10, 4 * rng.NextDouble() - 3));
            double[] truth = [.. Enumerable.Range(0, size).Select(_ => 6 * rng.NextDouble() - 3)];
            // Every third feature nearly repeats the one before it: such pairs pull at each other.
            double[][] features = [.. Enumerable.Range(0, 150).Select(_ =>
            {
                var row = new double[size];
                for (int i = 0; i < size; i++) row[i] = i % 3 == 2 ? row[i - 1] + 0.05 * rng.NextDouble() : 2 * rng.NextDouble() - 1;
                return row;
            })];
            bool[] labels = [.. features.Select((row, i) => i < 2 ? i == 0 : rng.Chance(1 / (1 + Math.Exp(-row.Zip(truth, (x, w) => x * w).Sum()))))];
            var fit = LogisticRegression.Fit(features, labels, c, nonNegative: true);
            var slopes = Slopes(fit, features, labels, c);
            return fit.Weights.All(weight => weight >= 0)
                && slopes[..^1].Zip(fit.Weights).All(item => item.Second > 0 ? Math.Abs(item.First) < 1e-5 : item.First > -1e-5)
                && Math.Abs(slopes[^1]) < 1e-5;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Separable_answers_have_a_finite_fit_that_rises_with_the_feature()
    {
        double[][] features = [.. Enumerable.Range(0, 100).Select(i => (double[])[i / 10.0, 1])];
        var fitted = LogisticRegression.Fit(features, [.. Enumerable.Range(0, 100).Select(i => i >= 50)], c: 1e6);
        Assert.All(Enumerable.Range(0, 99), i => Assert.True(fitted.Probability(features[i]) <= fitted.Probability(features[i + 1])));
        Assert.InRange(fitted.Probability(features[0]), 0, 1e-6);
        Assert.InRange(fitted.Probability(features[99]), 1 - 1e-6, 1);
    }

    [Fact]
    public void A_fit_without_both_kinds_of_answers_is_refused()
    {
        Assert.Throws<ArgumentException>(() => LogisticRegression.Fit([[1.0], [2.0]], [true, true], 1));
        Assert.Throws<ArgumentException>(() => LogisticRegression.Fit([[1.0], [double.NaN]], [true, false], 1));
        Assert.Throws<ArgumentException>(() => LogisticRegression.Fit([], [], 1));
    }

    /// <summary>[F + 1] the derivatives of the loss by weights and intercept.</summary>
    private static double[] Slopes(LogisticRegression fit, double[][] features, bool[] labels, double c)
    {
        double[] slopes = [.. fit.Weights.Select(weight => weight / c), 0];
        foreach (var (row, label) in features.Zip(labels))
        {
            double residual = fit.Probability(row) - (label ? 1 : 0);
            for (int i = 0; i < row.Length; i++) slopes[i] += residual * row[i];
            slopes[^1] += residual;
        }

        return slopes;
    }
}

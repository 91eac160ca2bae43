using Vlm.Statistics;

namespace Vlm.Core.Tests.Statistics;

public sealed class BootstrapTests
{
    [Fact]
    public void The_interval_of_a_share_is_about_that_of_the_binomial_distribution()
    {
        ScoredAnswer[] answers = [.. Enumerable.Range(0, 1000).Select(i => new ScoredAnswer(0.5, i % 5 != 0))];
        var share = Assert.NotNull(Bootstrap.Of(answers, sample => sample.Average(answer => answer.IsCorrect ? 1.0 : 0), 2000, seed: 1));
        Assert.Equal(0.8, share.Value, 1e-9);
        // 1.96 times the standard deviation of 0.0126 to both sides.
        Assert.Equal(0.775, share.Low, 0.004);
        Assert.Equal(0.825, share.High, 0.004);
    }

    [Fact]
    public void The_truth_lies_in_about_95_of_100_intervals()
    {
        var hits = Enumerable.Range(0, 200).Count(draw =>
        {
            var rng = SeededRandom.From(9, draw);
            ScoredAnswer[] answers = [.. Enumerable.Range(0, 200).Select(_ => new ScoredAnswer(0, rng.Chance(0.7)))];
            var share = Bootstrap.Of(answers, sample => sample.Average(answer => answer.IsCorrect ? 1.0 : 0), 200, draw)!.Value;
            return share.Low <= 0.7 && 0.7 <= share.High;
        });
        Assert.InRange(hits, 178, 198);
    }

    [Fact]
    public void A_statistic_that_is_not_defined_has_no_interval() =>
        Assert.Null(Bootstrap.Of([new ScoredAnswer(1, true), new ScoredAnswer(0.5, true)], Auroc.Of, 100, 1));
}

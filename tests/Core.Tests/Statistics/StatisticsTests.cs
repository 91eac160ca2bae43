using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Statistics;

public sealed class StatisticsTests
{
    private const double Tolerance = 1e-10;

    [Fact]
    public void Wilson_intervals_are_those_of_scipy()
    {
        var cases = Cases("wilson_95");
        Assert.Equal(5, cases.Count);
        foreach (var item in cases)
        {
            var interval = WilsonInterval.Of(item.GetProperty("k").GetInt64(), item.GetProperty("n").GetInt64());
            Assert.Equal(item.GetProperty("low").GetDouble(), interval.Low, Tolerance);
            Assert.Equal(item.GetProperty("high").GetDouble(), interval.High, Tolerance);
        }
    }

    [Fact]
    public void A_wilson_interval_holds_the_share_and_shrinks_with_more_trials() =>
        Prop.ForAll<NonNegativeInt, PositiveInt>((some, others) =>
        {
            (long successes, long trials) = (some.Get, (long)some.Get + others.Get);
            var few = WilsonInterval.Of(successes, trials);
            var many = WilsonInterval.Of(10 * successes, 10 * trials);
            double share = (double)successes / trials;
            return few.Low >= 0 && few.High <= 1 && few.Low <= share && share <= few.High && many.High - many.Low < few.High - few.Low;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Without_trials_every_share_is_possible() => Assert.Equal(new WilsonInterval(0, 1), WilsonInterval.Of(0, 0));

    [Theory]
    [InlineData(-1, 5)]
    [InlineData(6, 5)]
    public void Impossible_counts_are_refused(long successes, long trials) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => WilsonInterval.Of(successes, trials));

    [Fact]
    public void McNemar_p_values_are_those_of_scipy()
    {
        var cases = Cases("mcnemar_exact");
        Assert.Equal(4, cases.Count);
        foreach (var item in cases)
        {
            double p = McNemar.ExactP(item.GetProperty("b").GetInt64(), item.GetProperty("c").GetInt64());
            Assert.Equal(item.GetProperty("p").GetDouble(), p, Tolerance);
        }
    }

    [Fact]
    public void McNemar_does_not_mind_the_order_and_gives_a_probability() =>
        Prop.ForAll<NonNegativeInt, NonNegativeInt>((first, second) =>
        {
            double p = McNemar.ExactP(first.Get, second.Get);
            return p is > 0 and <= 1 && p == McNemar.ExactP(second.Get, first.Get);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(2700, 2700, 1.0)]
    // 1e4 pairs, two standard deviations apart: 0.0466 by the normal approximation with continuity correction (z = 1.99).
    [InlineData(5100, 4900, 0.0466)]
    public void McNemar_works_where_powers_of_a_half_are_zero(long onlyFirst, long onlySecond, double expected) =>
        Assert.Equal(expected, McNemar.ExactP(onlyFirst, onlySecond), 1e-4);

    private static List<JsonElement> Cases(string key) => [.. Golden.Json("statistics/statistics.json").GetProperty(key).EnumerateArray()];
}

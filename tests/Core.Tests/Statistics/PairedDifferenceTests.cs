using FsCheck;
using FsCheck.Fluent;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Statistics;

public sealed class PairedDifferenceTests
{
    [Fact]
    public void The_interval_holds_the_difference_and_stays_within_bounds() => Law((a, b, c, d) =>
    {
        var difference = PairedDifference.Of(a, b, c, d);
        return difference.Low <= difference.Value && difference.Value <= difference.High && difference.Low >= -1 - 1e-12 && difference.High <= 1 + 1e-12;
    });

    [Fact]
    public void Exchanging_the_models_mirrors_the_interval() => Law((a, b, c, d) =>
    {
        var (there, back) = (PairedDifference.Of(a, b, c, d), PairedDifference.Of(a, c, b, d));
        return Math.Abs(there.Low + back.High) < 1e-12 && Math.Abs(there.High + back.Low) < 1e-12;
    });

    // The formulas of the paper, computed apart from this code.
    [Theory]
    [InlineData(20, 12, 2, 16, 0.2, 0.056156424841748, 0.329206995400141)]
    [InlineData(36, 12, 2, 0, 0.2, 0.056929584003239, 0.340427602974941)]
    [InlineData(95, 3, 1, 1, 0.02, -0.032161174065242, 0.077950150427220)]
    public void Intervals_are_those_of_newcombes_method(int both, int onlyFirst, int onlySecond, int neither, double value, double low, double high)
    {
        var difference = PairedDifference.Of(both, onlyFirst, onlySecond, neither);
        Assert.Equal(value, difference.Value, 1e-12);
        Assert.Equal(low, difference.Low, 1e-12);
        Assert.Equal(high, difference.High, 1e-12);
    }

    [Fact]
    public void Agreement_narrows_the_interval()
    {
        var paired = PairedDifference.Of(95, 3, 1, 1);
        var unrelated = PairedDifference.Of(80, 18, 2, 0);
        Assert.True(paired.High - paired.Low < unrelated.High - unrelated.Low);
    }

    [Fact]
    public void Without_questions_everything_is_possible_and_negative_counts_are_refused()
    {
        Assert.Equal(new PairedDifference(0, -1, 1), PairedDifference.Of(0, 0, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => PairedDifference.Of(1, -1, 0, 0));
    }

    private static void Law(Func<int, int, int, int, bool> holds) =>
        Prop.ForAll<NonNegativeInt, NonNegativeInt, NonNegativeInt>((a, b, c) => holds(a.Get, b.Get, c.Get, 3) && holds(3, b.Get, c.Get, a.Get))
            .QuickCheckThrowOnFailure();
}

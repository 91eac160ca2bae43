using FsCheck;
using FsCheck.Fluent;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Statistics;

public sealed class BinomialTests
{
    [Fact]
    public void Tails_are_those_of_scipy()
    {
        foreach (var item in GoldenAnswers.Cases("binomial_tail"))
        {
            double expected = item.GetProperty("p").GetDouble();
            double found = Binomial.Tail(item.GetProperty("k").GetInt64(), item.GetProperty("n").GetInt64(), item.GetProperty("alpha").GetDouble());
            Assert.Equal(expected, found, 1e-10);
            Assert.InRange(found / expected, 1 - 1e-9, 1 + 1e-9);
        }
    }

    [Fact]
    public void Upper_bounds_are_those_of_scipy()
    {
        foreach (var item in GoldenAnswers.Cases("clopper_pearson_upper"))
        {
            double found = Binomial.UpperBound(item.GetProperty("k").GetInt64(), item.GetProperty("n").GetInt64(), item.GetProperty("delta").GetDouble());
            Assert.Equal(item.GetProperty("upper").GetDouble(), found, 1e-10);
        }
    }

    [Fact]
    public void The_bound_rises_with_errors_and_falls_with_trials() =>
        Prop.ForAll<NonNegativeInt, PositiveInt>((some, others) =>
        {
            (long k, long n) = (some.Get % 40, some.Get % 40 + others.Get);
            double bound = Binomial.UpperBound(k, n, 0.05);
            return bound > (double)k / n && bound <= Binomial.UpperBound(k + 1, n, 0.05) && bound > Binomial.UpperBound(k, n + 1, 0.05)
                && bound < Binomial.UpperBound(k, n, 0.01);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_tail_rises_with_errors_and_falls_with_the_rate() =>
        Prop.ForAll<NonNegativeInt, PositiveInt>((some, others) =>
        {
            (long k, long n) = (some.Get % 200, some.Get % 200 + others.Get);
            double tail = Binomial.Tail(k, n, 0.1);
            return tail is >= 0 and <= 1 && tail <= Binomial.Tail(k + 1, n + 1, 0.1) + 1e-12 && tail >= Binomial.Tail(k, n, 0.2) - 1e-12;
        }).QuickCheckThrowOnFailure();

    // The fewest accepted answers that certify 1 % at 95 % with 0, 1, 2, 5 and 10 errors.
    [Theory]
    [InlineData(0, 299)]
    [InlineData(1, 473)]
    [InlineData(2, 628)]
    [InlineData(5, 1049)]
    [InlineData(10, 1693)]
    public void The_fewest_answers_that_certify_one_percent_are_the_published_ones(long errors, long answers)
    {
        Assert.True(Binomial.Tail(errors, answers, 0.01) <= 0.05);
        Assert.True(Binomial.Tail(errors, answers - 1, 0.01) > 0.05);
        Assert.Equal(errors, Binomial.MostEvents(answers, 0.01, 0.05));
        Assert.Equal(errors - 1, Binomial.MostEvents(answers - 1, 0.01, 0.05));
        if (errors == 0)
            Assert.Equal(answers, Binomial.FewestTrials(0.01, 0.05));
    }

    [Fact]
    public void Nothing_is_known_without_trials_and_impossible_counts_are_refused()
    {
        Assert.Equal(1, Binomial.Tail(0, 0, 0.01));
        Assert.Equal(1, Binomial.UpperBound(0, 0, 0.05));
        Assert.Throws<ArgumentOutOfRangeException>(() => Binomial.Tail(3, 2, 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => Binomial.UpperBound(0, 2, 0));
    }
}

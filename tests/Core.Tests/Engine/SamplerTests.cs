using FsCheck;
using FsCheck.Fluent;
using Vlm.Engine;

namespace Vlm.Core.Tests.Engine;

/// <summary>The laws of taking a token.</summary>
public sealed class SamplerTests
{
    private static readonly Arbitrary<float[]> Logits =
        Gen.Choose(-2000, 2000).Select(value => value / 100f).ArrayOf().Where(row => row.Length >= 2).ToArbitrary();

    private static readonly Arbitrary<double> Draws = Gen.Choose(0, 999_999).Select(value => value / 1e6).ToArbitrary();

    [Fact]
    public void The_log_probability_is_that_of_the_whole_distribution_and_what_is_ruled_out_has_no_part()
    {
        Assert.Equal(-Math.Log(4), Sampler.Judge([2f, 2f, 2f, 2f], 1).LogProbability, 1e-12);
        Assert.Equal(-Math.Log(2), Sampler.Judge([5f, float.NegativeInfinity, 5f], 0).LogProbability, 1e-12);
        Assert.Equal(0, Sampler.Judge([200f, 0f], 0).LogProbability, 1e-12);
    }

    [Fact]
    public void Among_allowed_tokens_the_best_is_taken_and_what_the_others_had_is_told() =>
        Prop.ForAll(Logits, row =>
        {
            int[] allowed = [.. Enumerable.Range(0, row.Length).Where(token => token % 2 == 1)];
            var choice = Sampler.Choose(row, allowed, Sampling.Greedy, 0);
            var others = Enumerable.Range(0, row.Length).Where(token => token % 2 == 0).Sum(token => Math.Exp(Sampler.Judge(row, token).LogProbability));
            return row[choice.Token] == allowed.Max(token => row[token]) && choice.Token % 2 == 1
                && Math.Abs(choice.Removed - others) < 1e-6 && choice with { Removed = 0 } == Sampler.Judge(row, choice.Token);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void With_every_token_allowed_nothing_changes() =>
        Prop.ForAll(Logits, Draws, (row, draw) =>
        {
            var sampling = new Sampling { Temperature = 1, TopP = 0.9 };
            var choice = Sampler.Choose(row, [.. Enumerable.Range(0, row.Length)], sampling, draw);
            return choice.Removed < 1e-6 && choice with { Removed = 0 } == Sampler.Choose(row, sampling, draw);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Probabilities_sum_to_one() =>
        Prop.ForAll(Logits, row => Math.Abs(Enumerable.Range(0, row.Length).Sum(token => Math.Exp(Sampler.Judge(row, token).LogProbability)) - 1) < 1e-9)
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Top_k_of_one_a_tiny_nucleus_and_a_vanishing_temperature_are_all_greedy() =>
        Prop.ForAll(Logits, Draws, (row, draw) =>
        {
            var greedy = Sampler.Choose(row, Sampling.Greedy, draw);
            return greedy.Token == Array.IndexOf(row, row.Max())
                && greedy == Sampler.Choose(row, new Sampling { Temperature = 2, TopK = 1 }, draw)
                && greedy == Sampler.Choose(row, new Sampling { Temperature = 1, TopP = 1e-12 }, draw)
                && row[Sampler.Choose(row, new Sampling { Temperature = 1e-5 }, draw).Token] == row.Max();
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_log_probability_ignores_how_the_token_was_sampled() =>
        Prop.ForAll(Logits, Draws, (row, draw) =>
        {
            var choice = Sampler.Choose(row, new Sampling { Temperature = 3, TopK = 5, TopP = 0.9 }, draw);
            return choice == Sampler.Judge(row, choice.Token);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_top_tokens_are_the_first_of_all_sorted_by_probability() =>
        Prop.ForAll(Logits, row =>
        {
            var sorted = Enumerable.Range(0, row.Length).OrderByDescending(token => row[token]).ThenBy(token => token).Take(4).ToArray();
            var top = Sampler.Top(row, 4);
            return top.Select(each => each.Token).SequenceEqual(sorted)
                && top.All(each => Math.Abs(each.LogProbability - Sampler.Judge(row, each.Token).LogProbability) < 1e-9)
                && Sampler.Top(row, 0).Length == 0;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Only_the_k_best_tokens_are_ever_taken() =>
        Prop.ForAll(Logits, Draws, (row, draw) =>
        {
            var best = Enumerable.Range(0, row.Length).OrderByDescending(token => row[token]).ThenBy(token => token).Take(3);
            return best.Contains(Sampler.Choose(row, new Sampling { Temperature = 5, TopK = 3 }, draw).Token);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Only_the_nucleus_is_ever_taken() =>
        Prop.ForAll(Logits, Draws, (row, draw) =>
        {
            var taken = Sampler.Choose(row, new Sampling { Temperature = 1, TopP = 0.7 }, draw).Token;
            var better = Enumerable.Range(0, row.Length)
                .Where(token => row[token] > row[taken]).Sum(token => Math.Exp(Sampler.Judge(row, token).LogProbability));
            return better < 0.7 + 1e-9;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Tokens_are_drawn_as_often_as_they_are_probable()
    {
        float[] row = [0, 1, 2, -1];
        var counts = new int[4];
        const int Draws = 40_000;
        for (var i = 0; i < Draws; i++) counts[Sampler.Choose(row, new Sampling { Temperature = 1 }, Sampler.Uniform(3, 0, i)).Token]++;
        for (var token = 0; token < 4; token++) Assert.Equal(Math.Exp(Sampler.Judge(row, token).LogProbability), counts[token] / (double)Draws, 0.01);
    }

    [Fact]
    public void Draws_depend_on_seed_row_and_position_and_on_nothing_else()
    {
        double[] draws = [Sampler.Uniform(1, 0, 0), Sampler.Uniform(2, 0, 0), Sampler.Uniform(1, 1, 0), Sampler.Uniform(1, 0, 1), Sampler.Uniform(0, 0, 0)];
        Assert.Equal(draws.Length, draws.Distinct().Count());
        Assert.All(draws, draw => Assert.InRange(draw, 0, 1 - 1e-12));
        Assert.Equal(draws[0], Sampler.Uniform(1, 0, 0));
        Assert.Equal(0.5, Enumerable.Range(0, 10_000).Average(position => Sampler.Uniform(9, 4, position)), 0.01);
    }

    [Fact]
    public void Logits_that_are_not_numbers_are_an_error_and_not_a_token()
    {
        Assert.Throws<UserException>(() => Sampler.Choose([0, float.NaN, 1], Sampling.Greedy, 0));
        Assert.Throws<UserException>(() => Sampler.Choose([0, float.PositiveInfinity, 1], new Sampling { Temperature = 1, TopP = 0.5 }, 0.3));
        Assert.Equal(1, Sampler.Choose([float.NegativeInfinity, 0, -1], new Sampling { Temperature = 0.5, TopK = 2 }, 0).Token);
    }

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampling { Temperature = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampling { Temperature = double.NaN });
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampling { TopK = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampling { TopP = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampling { TopP = 1.1 });
    }
}

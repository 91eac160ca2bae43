using FsCheck;
using FsCheck.Fluent;
using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;

namespace Vlm.Trainer.Tests.Grpo;

public sealed class AdvantagesTests
{
    // Rewards as trainers see them: -4 to 4, in steps of a quarter, groups of four.
    private static readonly Arbitrary<double[][]> Batches =
        Gen.ArrayOf(Gen.ArrayOf(Gen.Choose(-16, 16).Select(quarters => quarters / 4.0), 4)).Where(batch => batch.Length > 0).ToArbitrary();

    [Theory]
    [InlineData(AdvantageScale.Group, "group"), InlineData(AdvantageScale.Batch, "batch"), InlineData(AdvantageScale.None, "none")]
    public void Advantages_are_those_of_the_reference(AdvantageScale scale, string key)
    {
        var advantages = Advantages.Of(GrpoGolden.At("rewards").Table(), scale).SelectMany(group => group).ToArray();
        var expected = GrpoGolden.At("advantages").GetProperty(key).Numbers();
        for (var i = 0; i < 12; i++) Assert.Equal(expected[i], advantages[i], GrpoGolden.Tolerance);
    }

    [Fact]
    public void Rewards_normalised_one_by_one_are_those_of_the_reference()
    {
        var gdpo = GrpoGolden.At("gdpo");
        Assert.Equal(Advantages.Epsilon, gdpo.GetProperty("eps").GetDouble());
        var terms = gdpo.GetProperty("terms").EnumerateArray().Select(GrpoGolden.Table).ToList();
        var advantages = Advantages.Gdpo(terms, gdpo.GetProperty("weights").Numbers()).SelectMany(group => group).ToArray();
        var expected = gdpo.GetProperty("advantages").Numbers();
        for (var i = 0; i < 12; i++) Assert.Equal(expected[i], advantages[i], GrpoGolden.Tolerance);
    }

    [Fact]
    public void Winners_are_all_completions_with_the_highest_reward_of_a_group_and_where_all_are_equal_nobody_has_won()
        => Assert.Equal([[0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]], Advantages.Winners([[-1, 2, 0, 2], [3, 3, 3, 3], [-4, -3, -1, -3]]));

    [Fact]
    public void Advantages_of_a_group_add_up_to_zero() => Law((batch, scale) =>
        Advantages.Of(batch, scale).All(group => Math.Abs(group.Sum()) < 1e-9));

    [Fact]
    public void A_group_with_equal_rewards_has_zero_advantages() => Law((batch, scale) =>
    {
        double[] equal = [0.1 + 0.2, 0.1 + 0.2, 0.1 + 0.2];
        return Advantages.Of([.. batch, equal], scale)[^1].All(value => value == 0);
    });

    [Fact]
    public void The_same_reward_more_for_everyone_changes_nothing() => Law((batch, scale) =>
        Near(Advantages.Of(batch, scale), Advantages.Of(Map(batch, value => value + 3), scale), 1e-9));

    [Fact]
    public void Rewards_in_another_unit_change_nothing_but_for_the_epsilon_unless_they_are_not_scaled() => Law((batch, scale) =>
    {
        var (once, tenfold) = (Advantages.Of(batch, scale), Advantages.Of(Map(batch, value => value * 10), scale));
        // The least deviation that is not 0 is 1/8 here: the epsilon is at most 1e-3 of it.
        return scale == AdvantageScale.None ? Near(Map(once, value => value * 10), tenfold, 1e-9) : Near(once, tenfold, 5e-3);
    });

    [Fact]
    public void Another_group_changes_nothing_unless_the_batch_is_the_scale() => Law((batch, scale) =>
        scale == AdvantageScale.Batch || Near(Advantages.Of(batch, scale), Advantages.Of([.. batch, [0, 9, 9, 9]], scale)[..^1], 1e-12));

    [Fact]
    public void Rewards_normalised_one_by_one_average_zero_over_the_batch() => Prop.ForAll(Batches, batch =>
        Math.Abs(Advantages.Gdpo([batch, Map(batch, value => value * value)], [1, 0.5]).SelectMany(group => group).Sum()) < 1e-8).QuickCheckThrowOnFailure();

    [Fact]
    public void Rewards_normalised_one_by_one_tell_apart_what_adds_up_to_the_same()
    {
        // Format alone and letters alone both total 1; the rarer one is worth more.
        double[][] format = [[1, 1, 0, 0]], letters = [[0, 0, 1, 0]];
        var totals = Advantages.Of([[1, 1, 1, 0]], AdvantageScale.Group)[0];
        var apart = Advantages.Gdpo([format, letters], [1, 1])[0];
        Assert.Equal(totals[0], totals[2]);
        Assert.True(apart[2] > apart[0] + 0.1);
    }

    [Fact]
    public void A_group_of_one_and_rewards_that_are_not_numbers_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Advantages.Of([[1]], AdvantageScale.Group));
        Assert.Throws<ArgumentException>(() => Advantages.Of([[1, double.NaN]], AdvantageScale.None));
        Assert.Throws<ArgumentException>(() => Advantages.Gdpo([[[1, 2]], [[1, 2, 3]]], [1, 1]));
        Assert.Throws<ArgumentException>(() => Advantages.Gdpo([[[1, 2]]], [1, 1]));
    }

    private static void Law(Func<double[][], AdvantageScale, bool> holds) =>
        Prop.ForAll(Batches, batch => Enum.GetValues<AdvantageScale>().All(scale => holds(batch, scale))).QuickCheckThrowOnFailure();

    private static double[][] Map(double[][] batch, Func<double, double> change)
        => Array.ConvertAll(batch, group => Array.ConvertAll(group, value => change(value)));

    private static bool Near(double[][] a, double[][] b, double tolerance) =>
        a.Zip(b).All(groups => groups.First.Zip(groups.Second).All(values => Math.Abs(values.First - values.Second) <= tolerance));
}

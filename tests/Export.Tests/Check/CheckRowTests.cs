using Vlm.Export.Check;

namespace Vlm.Export.Tests.Check;

/// <summary>What a check found, and how outputs are compared: a wrong verdict here would hide every other one.</summary>
public sealed class CheckRowTests
{
    [Fact]
    public void A_check_with_problems_has_failed_and_names_them_and_one_without_says_what_it_found()
    {
        Assert.Equal(new CheckRow("file", "holds", Outcome.Failed, "a is 1; b is 2"), CheckRow.Of("file", "holds", ["a is 1", "b is 2"], "all well"));
        Assert.Equal(new CheckRow("file", "holds", Outcome.Passed, "all well"), CheckRow.Of("file", "holds", [], "all well"));
        Assert.Equal(new CheckRow("file", "holds", Outcome.Skipped, "no checkpoint"), CheckRow.Skip("file", "holds", "no checkpoint"));
    }

    [Theory]
    [InlineData(new[] { 1f, -4f }, new[] { 1.1f, -4f }, 0.2f, true)]
    [InlineData(new[] { 1f, -4f }, new[] { 1.1f, -4f }, 0.05f, false)]
    [InlineData(new[] { 1f, -4f }, new[] { 1f }, 100f, false)]
    [InlineData(new[] { 1f, -4f }, new[] { 1f, float.NaN }, 100f, false)]
    [InlineData(new[] { float.NaN }, new[] { float.NaN }, 100f, false)]
    [InlineData(new float[0], new float[0], 0f, true)]
    public void Outputs_of_another_length_or_that_are_no_numbers_are_never_the_same(float[] expected, float[] found, float allowed, bool passes) =>
        Assert.Equal(passes, ComparisonRow.Of("prompt", "logits", expected, found, allowed).Passed);

    [Fact]
    public void A_difference_that_is_told_and_not_judged_has_to_be_a_number()
    {
        Assert.True(ComparisonRow.Of("prompt", "logits", [1], [100], allowed: null).Passed);
        Assert.False(ComparisonRow.Of("prompt", "logits", [1], [float.NaN], allowed: null).Passed);
        Assert.Equal(4, ComparisonRow.Of("prompt", "logits", [1, -4], [1, -4], allowed: null).Largest);
    }

    [Fact]
    public void The_difference_is_the_largest_distance_at_one_place()
    {
        Assert.Equal(0.5f, BehaviourChecks.Difference([1, 2, 3], [1.25f, 1.5f, 3]));
        Assert.Equal(float.PositiveInfinity, BehaviourChecks.Difference([1, float.NaN, 3], [1, 2, 100]));
    }

    [Fact]
    public void Of_equally_good_tokens_the_first_is_the_answer()
    {
        Assert.Equal(1, CheckpointComparison.Best([1, 3, 3, 2]));
        Assert.Equal(0, CheckpointComparison.Best([5]));
    }
}

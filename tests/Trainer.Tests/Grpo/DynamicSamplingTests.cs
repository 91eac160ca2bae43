using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;

namespace Vlm.Trainer.Tests.Grpo;

public sealed class DynamicSamplingTests
{
    private static readonly double[] Alike = [1, 1, 1], Apart = [1, 0, 1];
    private static readonly DynamicSamplingConfig On = new() { Enabled = true, MaxRounds = 3 };

    [Fact]
    public void Groups_with_signal_are_those_of_the_reference() => Assert.Equal(
        GrpoGolden.At("groups_with_signal").EnumerateArray().Select(value => value.GetBoolean()),
        GrpoGolden.At("rewards").Table().Select(DynamicSampling.HasSignal));

    [Fact]
    public void Sampling_goes_on_for_as_many_prompts_as_are_missing() =>
        Assert.Equal(new SamplingDecision.SampleMore(2), DynamicSampling.Decide([Alike, Apart, Alike], 3, 1, On));

    [Fact]
    public void The_batch_is_full_when_enough_groups_have_signal()
    {
        var decision = Assert.IsType<SamplingDecision.Learn>(DynamicSampling.Decide([Alike, Apart, Alike, Apart, Apart], 2, 2, On));
        Assert.Equal([1, 3], decision.Groups);
        Assert.Equal(SamplingEnd.Full, decision.Reason);
    }

    [Fact]
    public void When_the_rounds_are_spent_groups_without_signal_fill_the_batch()
    {
        var decision = Assert.IsType<SamplingDecision.Learn>(DynamicSampling.Decide([Alike, Alike, Apart, Alike], 3, 3, On));
        Assert.Equal([2, 0, 1], decision.Groups);
        Assert.Equal(SamplingEnd.RoundsSpent, decision.Reason);
    }

    [Fact]
    public void Without_dynamic_sampling_every_group_is_taken()
    {
        var decision = Assert.IsType<SamplingDecision.Learn>(DynamicSampling.Decide([Alike, Apart], 2, 1, new DynamicSamplingConfig()));
        Assert.Equal([0, 1], decision.Groups);
        Assert.Equal(SamplingEnd.NotFiltered, decision.Reason);
    }

    [Fact]
    public void Truncated_completions_are_masked_on_request_and_padding_always()
    {
        Rollout[] rollouts = [new([1, 2, 3], [0, 0, 0], false, ""), new([1, 2, 3, 4], [0, 0, 0, 0], true, "")];
        Assert.Equal([1, 1, 1, 0, 1, 1, 1, 1], RolloutMask.Of(rollouts, 4, maskTruncated: false));
        Assert.Equal([1, 1, 1, 0, 0, 0, 0, 0], RolloutMask.Of(rollouts, 4, maskTruncated: true));
    }
}

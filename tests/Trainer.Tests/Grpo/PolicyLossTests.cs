using System.Text.Json;
using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Grpo;

public sealed class PolicyLossTests
{
    private static readonly JsonSerializerOptions Json = new(TrainJson.Options)
    { UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Skip };

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, GrpoGolden.At("losses").GetArrayLength())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Losses_gradients_and_clip_shares_are_those_of_the_reference(int index)
    {
        using var scope = NewDisposeScope();
        var expected = GrpoGolden.At("losses")[index];
        var (config, batch) = (Config(expected), Batch(expected.GetProperty("advantage").GetString()!));

        var result = PolicyLoss.Of(batch, config);
        result.Loss.backward();

        Assert.Equal(expected.GetProperty("loss").GetDouble(), result.Loss.item<double>(), GrpoGolden.Tolerance);
        var gradient = batch.LogProbabilities.grad!.data<double>().ToArray();
        var wanted = expected.GetProperty("grad_logp_new").Table().SelectMany(row => row).ToArray();
        for (var i = 0; i < wanted.Length; i++) Assert.Equal(wanted[i], gradient[i], GrpoGolden.Tolerance);
        foreach (var side in new[] { "low", "high" })
        {
            var name = $"clip_share_{side}" + (config.Ratio == RatioLevel.Sequence ? "_sequences" : "");
            Assert.Equal(expected.GetProperty(name).GetDouble(), result.Metrics[$"clip_{side}"], GrpoGolden.Tolerance);
        }
    }

    [Fact]
    public void All_twelve_objectives_of_the_reference_are_tested() => Assert.Equal(12, Cases.Count);

    [Theory]
    [InlineData(KlEstimator.K1, "k1"), InlineData(KlEstimator.K2, "k2"), InlineData(KlEstimator.K3, "k3"), InlineData(KlEstimator.K3Corrected, "k3_corrected")]
    public void Divergences_are_those_of_the_reference(KlEstimator kl, string key)
    {
        using var scope = NewDisposeScope();
        var metrics = PolicyLoss.Of(Batch("group"), new LossConfig { Beta = 0.04, Kl = kl }).Metrics;
        Assert.Equal(GrpoGolden.At("kl_mean_over_tokens").GetProperty(key).GetDouble(), metrics["kl"], GrpoGolden.Tolerance);
    }

    [Fact]
    public void On_policy_the_corrected_divergence_has_the_gradient_of_the_reverse_one()
    {
        using var scope = NewDisposeScope();
        // Loss = beta * kl alone; d(k3_corrected)/d log π = −d at w = 1, and −d is what E[∇ log π · (log π − log ref)] sums.
        var batch = Batch("group");
        batch = batch with { Old = batch.LogProbabilities.detach(), Advantages = zeros_like(batch.Advantages) };
        var tokens = batch.Mask.sum().item<double>();
        PolicyLoss.Of(batch, new LossConfig { Beta = 1, Kl = KlEstimator.K3Corrected, Aggregate = LossAggregate.TokenMean }).Loss.backward();
        var gradient = batch.LogProbabilities.grad!.data<double>().ToArray();
        var (now, reference, mask) = (Values(batch.LogProbabilities), Values(batch.Reference!), Values(batch.Mask));
        for (var i = 0; i < gradient.Length; i++) Assert.Equal(mask[i] * (now[i] - reference[i]) / tokens, gradient[i], GrpoGolden.Tolerance);
    }

    [Fact]
    public void With_equal_lengths_the_sequence_mean_is_the_token_mean_and_the_constant_one_is_scaled()
    {
        using var scope = NewDisposeScope();
        var batch = Batch("group") with { Mask = ones(12, 7, dtype: float64) };
        double Loss(LossAggregate aggregate) => PolicyLoss.Of(batch, new LossConfig { Aggregate = aggregate, ConstantLength = 14 }).Loss.item<double>();
        Assert.Equal(Loss(LossAggregate.TokenMean), Loss(LossAggregate.SequenceMean), GrpoGolden.Tolerance);
        Assert.Equal(Loss(LossAggregate.TokenMean) / 2, Loss(LossAggregate.Constant), GrpoGolden.Tolerance);
    }

    [Theory]
    [InlineData(LossAggregate.SequenceMean), InlineData(LossAggregate.TokenMean), InlineData(LossAggregate.Constant)]
    public void Micro_batches_add_up_to_the_whole_batch(LossAggregate aggregate)
    {
        using var scope = NewDisposeScope();
        var config = new LossConfig { Aggregate = aggregate, Beta = 0.04 };
        var whole = Batch("group");
        var size = new WholeBatch(12, whole.Mask.sum().item<double>());
        PolicyBatch Part(long first, long count) => new(
            whole.LogProbabilities.narrow(0, first, count), whole.Old.narrow(0, first, count), whole.Reference!.narrow(0, first, count), null,
            whole.Mask.narrow(0, first, count), whole.Advantages.narrow(0, first, count))
        { Whole = size };
        var parts = PolicyLoss.Of(Part(0, 5), config).Loss.item<double>() + PolicyLoss.Of(Part(5, 7), config).Loss.item<double>();
        Assert.Equal(PolicyLoss.Of(whole, config).Loss.item<double>(), parts, GrpoGolden.Tolerance);
    }

    [Fact]
    public void A_row_without_tokens_has_no_gradient_and_breaks_nothing()
    {
        using var scope = NewDisposeScope();
        var batch = Batch("group");
        batch.Mask[2].zero_();
        foreach (var ratio in Enum.GetValues<RatioLevel>())
        {
            var loss = PolicyLoss.Of(batch, new LossConfig { Ratio = ratio }).Loss;
            loss.backward();
            Assert.True(double.IsFinite(loss.item<double>()));
        }
        Assert.All(batch.LogProbabilities.grad![2].data<double>().ToArray(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Ratios_beyond_what_a_float_holds_stay_finite()
    {
        using var scope = NewDisposeScope();
        var now = zeros(1, 2).requires_grad_();
        var batch = new PolicyBatch(now, tensor(new[] { -200f, 200f }).view(1, 2), null, null, ones(1, 2), tensor(new[] { -1f }));
        var loss = PolicyLoss.Of(batch, new LossConfig()).Loss;
        loss.backward();
        Assert.True(float.IsFinite(loss.item<float>()) && now.grad!.data<float>().ToArray().All(float.IsFinite));
    }

    [Fact]
    public void A_missing_reference_or_sampler_is_named()
    {
        using var scope = NewDisposeScope();
        var batch = Batch("group") with { Reference = null, Sampler = null };
        Assert.Contains(
            "reference", Assert.Throws<ArgumentException>(() => PolicyLoss.Of(batch, new LossConfig { Beta = 0.1 })).Message, StringComparison.Ordinal);
        Assert.Contains(
            "sampler", Assert.Throws<ArgumentException>(() => PolicyLoss.Of(batch, new LossConfig { SamplerCap = 2 })).Message, StringComparison.Ordinal);
    }

    private static double[] Values(Tensor tensor) => tensor.detach().data<double>().ToArray();

    private static LossConfig Config(JsonElement expected) => expected.Deserialize<LossConfig>(Json)!;

    private static PolicyBatch Batch(string advantages) => new(
        GrpoGolden.Matrix("logp_new").requires_grad_(), GrpoGolden.Matrix("logp_old"), GrpoGolden.Matrix("logp_ref"), GrpoGolden.Matrix("logp_sampler"),
        GrpoGolden.Mask(), tensor(GrpoGolden.At("advantages").GetProperty(advantages).Numbers()));
}

using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Model;

public sealed class RecomputationTests : IDisposable
{
    private readonly GoldenModel _golden = new();
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData(false), InlineData(true)]
    public void Gradients_with_checkpointing_are_the_plain_ones(bool bfloat16Products)
    {
        _golden.Model.ComputeType = bfloat16Products ? bfloat16 : float32;
        var plain = Gradients(checkpointing: false);
        var recomputed = Gradients(checkpointing: true);
        Assert.Equal(92, plain.Count);
        Assert.Equal(0, plain.Keys.Max(name => GoldenModel.Difference(name, plain[name], recomputed[name])));
    }

    [Fact]
    public void Adapters_get_the_plain_gradients_although_the_first_block_has_no_input_with_one()
    {
        using var adapters = LoraAdapters.Load(_golden.Model, Repository.Golden("peft"));
        Dictionary<string, Tensor> Of(bool checkpointing)
        {
            _golden.Model.GradientCheckpointing = checkpointing;
            foreach (var (_, p) in adapters.Parameters) p.grad?.zero_();
            _golden.Logits("one").square().mean().backward();
            return adapters.Parameters.ToDictionary(p => p.Name, p => p.Parameter.grad!.clone());
        }

        var plain = Of(false);
        var recomputed = Of(true);
        Assert.Equal(18, plain.Count);
        Assert.Equal(0, plain.Keys.Max(name => GoldenModel.Difference(name, plain[name], recomputed[name])));
    }

    [Fact]
    public void A_loss_on_queries_and_keys_inside_a_layer_has_its_gradient()
    {
        Tensor Of(bool checkpointing)
        {
            _golden.Model.GradientCheckpointing = checkpointing;
            _golden.Model.zero_grad();
            var inside = new List<Tensor>();
            var ids = arange(1, 9, dtype: int64).view(1, 8);
            var positions = arange(8, dtype: int64).view(1, 1, 8).expand(3, 1, 8);
            _golden.Model.Decode(_golden.Model.Embed(ids, null), positions, QwenVl.CausalBias(8), null, (name, x) =>
            {
                if (name.EndsWith(".1.query", StringComparison.Ordinal) || name.EndsWith(".1.key", StringComparison.Ordinal)) inside.Add(x);
            });
            stack([.. inside.Select(x => x.square().mean())]).sum().backward();
            return _golden.Model.named_parameters().Single(p => p.name == "model.layers.1.self_attn.k_proj.weight").parameter.grad!.clone();
        }

        var plain = Of(false);
        Assert.True(plain.abs().max().item<float>() > 0);
        Assert.Equal(0, GoldenModel.Difference("k_proj", plain, Of(true)));
    }

    public void Dispose()
    {
        _scope.Dispose();
        _golden.Dispose();
    }

    private Dictionary<string, Tensor> Gradients(bool checkpointing)
    {
        _golden.Model.GradientCheckpointing = checkpointing;
        _golden.Model.zero_grad();
        (_golden.Logits("one").square().mean() + _golden.Logits("text").square().mean()).backward();
        return _golden.Model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone());
    }
}

using TorchSharp.Modules;
using Vlm.Model;
using Vlm.Trainer.Optimization;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Optimization;

public sealed class OptimizerTests
{
    private static readonly OptimizerConfig AdamWAlone = new() { Muon = false, ClipNorm = 1e9 };

    [Fact]
    public void AdamW_takes_the_steps_of_the_librarys_AdamW()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var ours = new Parameter(randn(5, 4));
        var theirs = new Parameter(ours.detach().clone());
        using var optimizer = new Optimizer([("layer.weight", ours)], AdamWAlone);
        using var reference = optim.AdamW([theirs], lr: 0.01, beta1: 0.9, beta2: 0.98, eps: 1e-8, weight_decay: 0.05);
        for (var step = 0; step < 10; step++)
        {
            var target = randn(5, 4);
            foreach (var p in new[] { ours, theirs }) p.grad?.zero_();
            (ours - target).square().sum().backward();
            (theirs - target).square().sum().backward();
            optimizer.Step(0.01);
            reference.step();
        }

        Assert.True((ours - theirs).abs().max().item<float>() < 1e-5);
    }

    [Theory]
    [InlineData(12, 5), InlineData(5, 12), InlineData(8, 8)]
    public void Muon_moves_a_matrix_by_a_nearly_orthogonal_one(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var matrix = new Parameter(randn(rows, columns));
        var before = matrix.detach().clone();
        using var optimizer = new Optimizer([("layer.weight", matrix)], new OptimizerConfig { WeightDecay = 0 });
        (matrix * randn(rows, columns)).sum().backward();
        optimizer.Step(1);
        var moved = (before - matrix).detach() / tensor((float)(0.2 * Math.Sqrt(Math.Max(rows, columns))));
        var singular = linalg.svdvals(moved);
        Assert.InRange(singular.min().item<float>(), 0.5f, 1.3f);
        Assert.InRange(singular.max().item<float>(), 0.5f, 1.3f);
    }

    [Fact]
    public void A_gradient_over_the_limit_is_clipped_and_its_norm_before_that_is_told()
    {
        using var scope = NewDisposeScope();
        var p = new Parameter(zeros(2));
        using var optimizer = new Optimizer([("norm.weight", p)], new OptimizerConfig { ClipNorm = 1 });
        (p * tensor(new[] { 30f, 40f })).sum().backward();
        Assert.Equal(50, optimizer.Step(0.1), 3);
    }

    [Fact]
    public void Biases_norms_and_embeddings_do_not_decay_and_matrices_do()
    {
        using var scope = NewDisposeScope();
        var (matrix, table, bias) = (new Parameter(ones(2, 2)), new Parameter(ones(2, 2)), new Parameter(ones(2)));
        using var optimizer = new Optimizer(
            [("layer.weight", matrix), ("model.embed_tokens.weight", table), ("layer.bias", bias)], AdamWAlone with { WeightDecay = 0.5 });
        ((matrix.sum() + table.sum() + bias.sum()) * tensor(0f)).backward();
        optimizer.Step(0.1);
        Assert.Equal(0.95f, matrix[0, 0].item<float>(), 5);
        Assert.Equal(1f, table[0, 0].item<float>());
        Assert.Equal(1f, bias[0].item<float>());
    }

    [Fact]
    public void A_gradient_that_is_no_number_stops_the_run_with_a_word_on_what_to_do()
    {
        using var scope = NewDisposeScope();
        var p = new Parameter(ones(2));
        using var optimizer = new Optimizer([("norm.weight", p)], new OptimizerConfig());
        (p * tensor(float.NaN)).sum().backward();
        Assert.Contains("Lower the learning rate", Assert.Throws<UserException>(() => optimizer.Step(0.1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_parameter_in_bfloat16_takes_steps_too_small_for_it_on_its_master_copy()
    {
        using var scope = NewDisposeScope();
        var small = new Parameter(ones(4, 3).to(bfloat16));
        var full = new Parameter(ones(4, 3));
        using var optimizer = new Optimizer([("layer.weight", small)], AdamWAlone);
        using var reference = new Optimizer([("layer.weight", full)], AdamWAlone);
        for (var step = 0; step < 100; step++)
        {
            foreach (var (p, of) in new[] { (small, optimizer), (full, reference) })
            {
                of.DropGradients();
                p.to(float32).sum().backward();
                of.Step(1e-4);   // a fortieth of what bfloat16 can tell from 1
            }
        }

        var expected = full.to(bfloat16).to(float32).data<float>().ToArray();
        Assert.InRange(expected[0], 0.98f, 0.995f);
        Assert.Equal(expected, small.to(float32).data<float>().ToArray());
    }

    [Fact]
    public void Gradients_of_micro_batches_add_up_to_that_of_the_whole_batch()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        var weight = new Parameter(randn(5, 7));
        var (inputs, targets) = (randn(12, 7), randn(12, 5));
        Tensor Loss(int first, int rows) => (nn.functional.linear(inputs.narrow(0, first, rows), weight) - targets.narrow(0, first, rows)).square().mean();
        Loss(0, 12).backward();
        var whole = weight.grad!.clone();
        weight.grad.zero_();
        using TorchSharp.Scalar share = 1.0 / 3;
        for (var micro = 0; micro < 3; micro++) Loss(4 * micro, 4).mul(share).backward();
        Assert.True((whole - weight.grad).abs().max().item<float>() < 1e-6);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void A_restored_state_goes_on_to_the_bit(bool inBfloat16)
    {
        var type = inBfloat16 ? bfloat16 : float32;
        using var scope = NewDisposeScope();
        manual_seed(3);
        var a = new Parameter(randn(6, 6).to(type));
        var b = new Parameter(randn(6).to(type));
        var (a2, b2) = (new Parameter(a.detach().clone()), new Parameter(b.detach().clone()));
        using var whole = new Optimizer([("layer.weight", a), ("layer.bias", b)], new OptimizerConfig());
        using var broken = new Optimizer([("layer.weight", a2), ("layer.bias", b2)], new OptimizerConfig());
        void Step(Optimizer optimizer, Parameter x, Parameter y)
        {
            optimizer.DropGradients();
            (x.square().sum() + (y * y * y).sum()).backward();
            optimizer.Step(0.02);
        }
        for (var i = 0; i < 3; i++) { Step(whole, a, b); Step(broken, a2, b2); }

        var file = Path.Combine(Path.GetTempPath(), $"optimizer-{Guid.NewGuid():N}.safetensors");
        try
        {
            SafeTensors.Write(file, broken.State());
            var kept = new[] { a2.detach().clone(), b2.detach().clone() };
            using (no_grad())
                foreach (var p in new[] { a2, b2 }) p.zero_();   // a checkpoint in bfloat16 holds less than the masters
            if (!inBfloat16) (a2, b2) = (new Parameter(kept[0]), new Parameter(kept[1]));
            using var resumed = new Optimizer([("layer.weight", a2), ("layer.bias", b2)], new OptimizerConfig());
            using (var state = SafeTensors.Open(file)) resumed.Restore(state);
            for (var i = 0; i < 3; i++) { Step(whole, a, b); Step(resumed, a2, b2); }
            Assert.Equal(a.to(float32).data<float>().ToArray(), a2.to(float32).data<float>().ToArray());
            Assert.Equal(b.to(float32).data<float>().ToArray(), b2.to(float32).data<float>().ToArray());
        }
        finally
        {
            File.Delete(file);
        }
    }
}

using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

/// <summary>
/// Gradient checkpointing (arXiv 1604.06174): of a block only its input is kept; the backward pass computes the block again, with
/// its graph, and goes through that. One more forward pass for the memory of one block instead of all.
/// </summary>
/// <remarks>Nothing in the model is random, so the second pass gives the first one's numbers and the gradients are the plain ones.</remarks>
internal static class Recomputation
{
    /// <summary>Runs a block so that it is computed again in the backward pass.</summary>
    /// <param name="block">Whose parameters (or adapters) get gradients.</param>
    /// <param name="x">The block's input, the only one with a gradient.</param>
    /// <param name="forward">The block as a function of its input; what else it needs must live until the backward pass.</param>
    /// <returns>What <paramref name="forward"/> returns.</returns>
    public static Tensor[] Of(nn.Module block, Tensor x, Func<Tensor, Tensor[]> forward)
    {
        // The scope frees what the block needs on the way where there is no backward pass, and the copies of outputs that the library makes for its own use.
        using var scope = NewDisposeScope();
        if (!is_grad_enabled() || !(x.requires_grad || Trains(block))) return [.. forward(x).Select(o => scope.MoveToOuter(o))];
        // A node is only made when an input has a gradient; before the first trained block none has, so there is always the anchor.
        var anchor = zeros(1, device: x.device, requires_grad: true);
        var outputs = RecomputedBlock.apply(x, anchor, forward);
        return [.. outputs.Select(o => scope.MoveToOuter(o))];
    }

    private static bool Trains(nn.Module block)
        => block.parameters().Any(p => p.requires_grad) || block.modules().OfType<Linear>().Any(l => l.Adapter is not null);
}

/// <summary>The node in the graph that stands for a whole block.</summary>
internal sealed class RecomputedBlock : autograd.MultiTensorFunction<RecomputedBlock>
{
    private const string Forward = "forward";

    /// <summary>The gradient that the native caller copied after the last call returned: it can only be freed by the next one.</summary>
    [ThreadStatic]
    private static Tensor? _handedBack;

    public override string Name => nameof(RecomputedBlock);

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using var scope = NewDisposeScope();
        var (x, run) = ((Tensor)vars[0], (Func<Tensor, Tensor[]>)vars[2]);
        ctx.set_materialize_grads(false);
        ctx.save_for_backward([x]);
        ctx.save_data(Forward, run);
        return [.. run(x).Select(o => scope.MoveToOuter(o))];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        using var scope = NewDisposeScope();
        _handedBack?.Dispose();
        var saved = ctx.get_saved_variables()[0];
        var x = saved.detach().requires_grad_(saved.requires_grad);
        Tensor[] outputs;
        using (enable_grad()) outputs = ((Func<Tensor, Tensor[]>)ctx.get_data(Forward))(x);
        var asked = Enumerable.Range(0, outputs.Length).Where(i => !grad_outputs[i].IsInvalid).ToList();
        autograd.backward([.. asked.Select(i => outputs[i])], [.. asked.Select(i => grad_outputs[i])]);
        foreach (var gradient in grad_outputs) gradient.Dispose();
        _handedBack = x.grad is { } found ? scope.Detach(found) : null;
        return [_handedBack!, null!, null!];   // of the input, the anchor, the function
    }
}

using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

/// <summary>
/// Keys and values of prompts as the pass over them computed them, gradients included: what is written to a prompt several times is learned from one pass
/// over it.
/// </summary>
internal sealed class PromptKeys : IPastKeys
{
    private readonly List<(Tensor Keys, Tensor Values)> _layers = [];

    /// <inheritdoc/>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor k, Tensor v)
    {
        _layers.Add((k, v));
        return (k, v);
    }

    /// <summary>What rows that go on from these prompts see.</summary>
    /// <param name="owners">[R] the prompt of each row.</param>
    public IPastKeys For(Tensor owners) => new Shared(_layers, owners);

    /// <summary>A prompt's gradient is the sum of what its rows give it: that is what selecting a row several times means.</summary>
    private sealed class Shared(IReadOnlyList<(Tensor Keys, Tensor Values)> layers, Tensor owners) : IPastKeys
    {
        public (Tensor Keys, Tensor Values) Append(int layer, Tensor k, Tensor v)
            => (cat([layers[layer].Keys.index_select(0, owners), k], 2), cat([layers[layer].Values.index_select(0, owners), v], 2));
    }
}

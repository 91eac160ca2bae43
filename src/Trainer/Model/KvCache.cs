using Vlm.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

/// <summary>Keys and values of earlier tokens, which the tokens of a pass see as well.</summary>
/// <remarks>An argument of the forward pass, never a module field: there it would be saved with the weights.</remarks>
public interface IPastKeys
{
    /// <summary>Takes the keys and values of a pass's own tokens.</summary>
    /// <param name="layer">Decoder layer.</param>
    /// <param name="k">[B, K, T, D]</param>
    /// <param name="v">[B, K, T, D]</param>
    /// <returns>[B, K, total, D] each: the earlier ones, then these.</returns>
    (Tensor Keys, Tensor Values) Append(int layer, Tensor k, Tensor v);
}

/// <summary>Keys and values of all earlier tokens, allocated once; for sampling, where no gradient flows. The owner disposes it.</summary>
public sealed class KvCache : IPastKeys, IDisposable
{
    private readonly Tensor[] _keys, _values;   // each [B, K, capacity, D]
    private readonly int[] _lengths;

    private KvCache(Tensor[] keys, Tensor[] values, int[] lengths)
    {
        (_keys, _values, _lengths) = (keys, values, lengths);
        Capacity = (int)keys[0].shape[2];
    }

    /// <param name="text">Layers, heads and head size.</param>
    /// <param name="batch">Rows.</param>
    /// <param name="capacity">Tokens that there is room for.</param>
    /// <param name="compute">Where, and the type of keys and values.</param>
    public KvCache(TextConfig text, long batch, long capacity, Compute compute)
    {
        using var noGradient = no_grad();
        long[] shape = [batch, text.NumKeyValueHeads, capacity, text.HeadDim];
        Tensor Buffer() => zeros(shape, dtype: compute.Products, device: compute.Device).DetachFromDisposeScope();
        Tensor[] Buffers() => [.. Enumerable.Range(0, text.NumLayers).Select(_ => Buffer())];
        _keys = Buffers();
        _values = Buffers();
        _lengths = new int[text.NumLayers];
        Capacity = (int)capacity;
    }

    public int Capacity { get; }

    /// <summary>Tokens held, the same for every layer between forward passes.</summary>
    public int Length => _lengths[0];

    /// <inheritdoc/>
    /// <remarks>What is returned are views.</remarks>
    /// <exception cref="InvalidOperationException">More tokens than were allocated.</exception>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor k, Tensor v)
    {
        var added = (int)k.shape[2];
        var total = _lengths[layer] + added;
        if (total > Capacity)
            throw new InvalidOperationException($"The cache holds {Capacity} tokens; {total} are needed. Allocate it for prompt plus longest reply.");
        _keys[layer].narrow(2, _lengths[layer], added).copy_(k);
        _values[layer].narrow(2, _lengths[layer], added).copy_(v);
        _lengths[layer] = total;
        return (_keys[layer].narrow(2, 0, total), _values[layer].narrow(2, 0, total));
    }

    /// <summary>A cache of these rows with what they hold; a row may come several times, as when one prompt has several replies.</summary>
    /// <param name="rows">Rows of this cache, in the order of the new one.</param>
    /// <param name="capacity">Tokens that the new one has room for; at least <see cref="Length"/>.</param>
    public KvCache Select(long[] rows, int capacity)
    {
        using var noGradient = no_grad();
        using var index = tensor(rows, device: _keys[0].device);
        Tensor Copy(Tensor buffer)
        {
            using var scope = NewDisposeScope();
            var copy = empty(rows.Length, buffer.shape[1], capacity, buffer.shape[3], dtype: buffer.dtype, device: buffer.device);
            copy.narrow(2, 0, Length).copy_(buffer.narrow(2, 0, Length).index_select(0, index));
            return copy.DetachFromDisposeScope();
        }

        return new KvCache([.. _keys.Select(Copy)], [.. _values.Select(Copy)], [.. _lengths]);
    }

    public void Dispose()
    {
        foreach (var t in _keys.Concat(_values)) t.Dispose();
    }
}

using Vlm.Model;
using Vlm.Statistics;

namespace Vlm.Trainer.Model;

/// <summary>How large a vision tower becomes; each at least what it was.</summary>
/// <param name="Depth">Blocks. New ones come last and begin as the identity.</param>
/// <param name="Heads">Attention heads of the size they have: the width grows with them.</param>
/// <param name="Hidden">Units between the two products of a block's feed-forward part.</param>
public sealed record TowerSize(int Depth, int Heads, int Hidden);

/// <summary>
/// A larger vision tower that computes what the smaller one does, so that training goes on from where it stands. After Net2Net (Chen et al., arXiv
/// 1511.05641) with zeros instead of copies: what is new is written to through weights that are zero or read through weights that are zero, and the others are
/// random, so that gradients are not zero. Widths enter the norms: the root mean square shrinks by √(old / new) with channels that are zero, which
/// the factors make up for.
/// </summary>
public sealed class GrownTower
{
    private readonly VisionConfig _old;
    private readonly VisionConfig _new;
    private readonly SeededRandom _random;

    /// <param name="config">The model as it is.</param>
    /// <param name="size">The tower as it is to be.</param>
    /// <param name="seed">Of the new weights.</param>
    /// <exception cref="CheckpointException">A size is smaller than what is there.</exception>
    public GrownTower(VlmConfig config, TowerSize size, long seed)
    {
        _old = config.Vision;
        foreach (var (name, has, asked) in new[]
        {
            ("depth", _old.Depth, size.Depth), ("heads", _old.NumHeads, size.Heads), ("hidden", _old.IntermediateSize, size.Hidden),
        })
        {
            if (asked < has) throw new CheckpointException($"The tower's {name} is {has}; expected at least that, found {asked}. A tower only grows.");
        }

        // A new block attends as the last one does.
        var isFull = _old.FullAttentionBlocks.Contains(_old.Depth - 1);
        _new = _old with
        {
            Depth = size.Depth,
            NumHeads = size.Heads,
            HiddenSize = size.Heads * _old.HeadDim,
            IntermediateSize = size.Hidden,
            FullAttentionBlocks = [.. _old.FullAttentionBlocks, .. Enumerable.Range(_old.Depth, isFull ? size.Depth - _old.Depth : 0)],
        };
        Config = config with { Vision = _new };
        _random = SeededRandom.From(seed);
    }

    /// <summary>The grown model's sizes.</summary>
    public VlmConfig Config { get; }

    /// <summary>A weight of the grown model, row by row.</summary>
    /// <param name="weight">Its name and shape.</param>
    /// <param name="read">A weight of the smaller model by name.</param>
    public float[] Weight(WeightSpec weight, Func<string, float[]> read)
    {
        if (!weight.Name.StartsWith("visual.", StringComparison.Ordinal)) return read(weight.Name);
        var part = weight.Name["visual.".Length..];
        if (!part.StartsWith("blocks.", StringComparison.Ordinal)) return Grown(part, read(weight.Name));
        var (block, inBlock) = (int.Parse(part.Split('.')[1]), part[(part.IndexOf('.', "blocks.".Length) + 1)..]);
        return block < _old.Depth ? Grown(inBlock, read(weight.Name)) : Fresh(inBlock);
    }

    private float[] Grown(string part, float[] old) => part switch
    {
        "norm1.weight" or "norm2.weight" or "merger.ln_q.weight" => Norm(old),
        "patch_embed.proj.weight" => Matrix(old, Channels, All(old.Length / _old.HiddenSize), Fill.Zero),
        "attn.qkv.weight" => Matrix(old, QueryKeyValue, Channels, Fill.Random),
        "attn.qkv.bias" => Vector(old, QueryKeyValue),
        "attn.proj.weight" => Matrix(old, Channels, Channels, Fill.Zero),
        "attn.proj.bias" or "mlp.down_proj.bias" => Vector(old, Channels),
        "mlp.gate_proj.weight" or "mlp.up_proj.weight" => Matrix(old, Units, Channels, Fill.Random),
        "mlp.gate_proj.bias" or "mlp.up_proj.bias" => Vector(old, Units),
        "mlp.down_proj.weight" => Matrix(old, Channels, Units, Fill.Zero),
        "merger.mlp.0.weight" => Matrix(old, Merged, MergedInputs, Fill.Random),
        "merger.mlp.0.bias" => Vector(old, Merged),
        "merger.mlp.2.weight" => Matrix(old, All(_old.OutHiddenSize), Merged, Fill.Zero),
        "merger.mlp.2.bias" => old,
        _ => throw new CheckpointException($"'visual….{part}' is no weight of a vision tower that this program knows."),
    };

    /// <summary>A block that adds nothing yet.</summary>
    private float[] Fresh(string part) => part switch
    {
        "norm1.weight" or "norm2.weight" => [.. Enumerable.Repeat(1f, _new.HiddenSize)],
        "attn.qkv.weight" => Random(3 * _new.HiddenSize, _new.HiddenSize),
        "mlp.gate_proj.weight" or "mlp.up_proj.weight" => Random(_new.IntermediateSize, _new.HiddenSize),
        "attn.qkv.bias" => new float[3 * _new.HiddenSize],
        "mlp.gate_proj.bias" or "mlp.up_proj.bias" => new float[_new.IntermediateSize],
        "attn.proj.weight" => new float[_new.HiddenSize * _new.HiddenSize],
        "mlp.down_proj.weight" => new float[_new.HiddenSize * _new.IntermediateSize],
        _ => new float[_new.HiddenSize],
    };

    /// <summary>What stands where the smaller tower has nothing.</summary>
    private enum Fill
    {
        Zero,
        Random,
    }

    /// <summary>Where the old indices of a side stand among the new ones.</summary>
    private sealed record Side(int Old, int New, Func<int, int> Place);

    private static Side All(int count) => new(count, count, index => index);

    private Side Channels => new(_old.HiddenSize, _new.HiddenSize, index => index);

    private Side Units => new(_old.IntermediateSize, _new.IntermediateSize, index => index);

    /// <summary>Queries, keys and values one after the other, the heads of each in order.</summary>
    private Side QueryKeyValue => Blocks(3, _old.HiddenSize, _new.HiddenSize);

    /// <summary>The channels of the merged patches, one patch after the other.</summary>
    private Side MergedInputs => Blocks(_old.SpatialMergeSize * _old.SpatialMergeSize, _old.HiddenSize, _new.HiddenSize);

    private Side Merged => All(MergedInputs.Old) with { New = MergedInputs.New };

    private static Side Blocks(int count, int old, int grown) =>
        new(count * old, count * grown, index => (index / old * grown) + (index % old));

    private float[] Norm(float[] old)
    {
        var factor = MathF.Sqrt((float)_old.HiddenSize / _new.HiddenSize);
        return [.. Enumerable.Range(0, _new.HiddenSize).Select(channel => factor * (channel < old.Length ? old[channel] : 1))];
    }

    private static float[] Vector(float[] old, Side side)
    {
        var grown = new float[side.New];
        for (var i = 0; i < side.Old; i++) grown[side.Place(i)] = old[i];
        return grown;
    }

    private float[] Matrix(float[] old, Side rows, Side columns, Fill fill)
    {
        var grown = fill == Fill.Random ? Random(rows.New, columns.New) : new float[rows.New * columns.New];
        for (var row = 0; row < rows.Old; row++)
        {
            for (var column = 0; column < columns.Old; column++)
                grown[(rows.Place(row) * columns.New) + columns.Place(column)] = old[(row * columns.Old) + column];
        }

        return grown;
    }

    private float[] Random(int rows, int columns)
    {
        var bound = 1 / MathF.Sqrt(columns);
        var values = new float[rows * columns];
        foreach (ref var value in values.AsSpan()) value = _random.Uniform(-bound, bound);
        return values;
    }
}

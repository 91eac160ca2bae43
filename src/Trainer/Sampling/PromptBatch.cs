using Vlm.Text;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>Prompts that are read together, ends aligned, before replies are written to them.</summary>
internal sealed class PromptBatch
{
    private readonly QwenVl _model;
    private readonly PictureReader _reader;
    private readonly TokenRows _rows;
    private readonly List<Patches> _pictures;

    /// <param name="prompts">Any lengths.</param>
    /// <param name="model">Reads them.</param>
    /// <param name="reader">Reads their pictures; null for one that remembers nothing.</param>
    public PromptBatch(IReadOnlyList<TorchPrompt> prompts, QwenVl model, PictureReader? reader = null)
    {
        (_model, _reader) = (model, reader ?? new PictureReader(model));
        _pictures = [.. prompts.Where(p => p.Patches is not null).Select(p => p.Patches!)];
        var picture = 0;
        TokenRow[] rows = [.. prompts.Select(p =>
            new TokenRow(p.Ids, RopePositions.For(p.Ids, p.Patches is null ? [] : [p.Patches.Grid], model.Config), p.Patches is null ? -1 : picture++))];
        _rows = new TokenRows(rows, FillSide.Left, model);
        Next = new DecodedRows(_rows.Mask, [.. rows.Select(r => r.Ids.Length + r.Positions.Delta)]);
    }

    /// <summary>Tokens of the longest prompt.</summary>
    public int Length => _rows.Length;

    /// <summary>What the steps after the prompts need of them.</summary>
    public DecodedRows Next { get; }

    /// <summary>Reads the prompts into a cache.</summary>
    /// <returns>[B, C] the hidden state of each prompt's last token.</returns>
    public Tensor Read(KvCache cache)
    {
        return _model.Decode(_rows.Embed(_model, _reader.Of(_pictures), _pictures), _rows.Positions, _rows.Bias, cache).select(1, Length - 1);
    }
}

/// <summary>Tokens that are read together after what rows hold already.</summary>
/// <param name="Ids">[B, W]</param>
/// <param name="Positions">[3, B, W]</param>
/// <param name="Bias">[B, 1, W, held + W] what each of them may see.</param>
internal sealed record TokenBlock(Tensor Ids, Tensor Positions, Tensor Bias);

/// <summary>Rows that are written on after their padded prompts, token by token or run by run.</summary>
/// <param name="Mask">[B, T] true for the rows' own tokens, false for padding.</param>
/// <param name="NextPositions">[B] position of the next token, the same on all three axes.</param>
internal sealed record DecodedRows(Tensor Mask, long[] NextPositions)
{
    /// <summary>[3, B, 1] of the token that step <paramref name="step"/> feeds.</summary>
    public Tensor PositionsAt(int step) => tensor(NextPositions.Select(p => p + step).ToArray(), device: Mask.device).view(1, -1, 1).expand(3, -1, 1);

    /// <summary>[B, 1, 1, length + step + 1]: all but the padding is seen.</summary>
    public Tensor BiasAt(int step)
    {
        var hidden = cat([Mask.logical_not(), zeros(Mask.shape[0], step + 1, dtype: ScalarType.Bool, device: Mask.device)], 1);
        return zeros(hidden.shape, device: Mask.device).masked_fill(hidden, Constants.MinusInfinity).unsqueeze(1).unsqueeze(1);
    }

    /// <summary>Runs of unequal length, ends aligned, and the rows with them.</summary>
    /// <param name="runs">[B] tokens that each row goes on with; none for a row that is over.</param>
    /// <param name="padding">A token to fill up with.</param>
    public (TokenBlock Block, DecodedRows Next) Append(IReadOnlyList<int[]> runs, long padding)
    {
        var (batch, width) = (runs.Count, runs.Max(run => run.Length));
        var (ids, own, positions) = (new long[batch * width], new bool[batch * width], new long[batch * width]);
        Array.Fill(ids, padding);
        for (var r = 0; r < batch; r++)
        {
            var start = ((r + 1) * width) - runs[r].Length;
            for (var t = 0; t < runs[r].Length; t++) (ids[start + t], own[start + t], positions[start + t]) = (runs[r][t], true, NextPositions[r] + t);
        }
        var mask = tensor(own, device: Mask.device).view(batch, width);
        // Padding sees the prompt, so that no row of the softmax is empty.
        var later = ones(width, width, dtype: ScalarType.Bool, device: Mask.device).triu(1) | mask.logical_not().unsqueeze(1);   // [B, W, W]
        var hidden = cat([Mask.logical_not().unsqueeze(1).expand(-1, width, -1), later], 2).unsqueeze(1);
        var block = new TokenBlock(
            tensor(ids, device: Mask.device).view(batch, width), tensor(positions, device: Mask.device).view(1, batch, width).expand(3, -1, -1),
            zeros(hidden.shape, device: Mask.device).masked_fill(hidden, Constants.MinusInfinity));
        return (block, new DecodedRows(cat([Mask, mask], 1), [.. NextPositions.Zip(runs, (next, run) => next + run.Length)]));
    }

    /// <summary>These rows, in this order; a row may come several times.</summary>
    public DecodedRows Select(long[] rows)
    {
        using var index = tensor(rows, device: Mask.device);
        return new DecodedRows(Mask.index_select(0, index), [.. rows.Select(r => NextPositions[r])]);
    }
}

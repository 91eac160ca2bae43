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
    private readonly TokenRows _rows;
    private readonly List<Patches> _pictures;

    public PromptBatch(IReadOnlyList<TorchPrompt> prompts, QwenVl model)
    {
        _model = model;
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
        var device = _model.Compute.Device;
        var features = _pictures.Count == 0 ? null : _model.Encode(TokenRows.Pixels(_pictures, device), [.. _pictures.Select(p => p.Grid)]);
        return _model.Decode(_rows.Embed(_model, features, _pictures), _rows.Positions, _rows.Bias, cache).select(1, Length - 1);
    }
}

/// <summary>Rows that are decoded token by token after their padded prompts.</summary>
/// <param name="Mask">[B, T] true for the prompts' tokens.</param>
/// <param name="NextPositions">[B] position of the first token after the prompt, the same on all three axes.</param>
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

    /// <summary>These rows, in this order; a row may come several times.</summary>
    public DecodedRows Select(long[] rows)
    {
        using var index = tensor(rows, device: Mask.device);
        return new DecodedRows(Mask.index_select(0, index), [.. rows.Select(r => NextPositions[r])]);
    }
}

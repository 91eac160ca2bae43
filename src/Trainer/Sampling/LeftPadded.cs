using Vlm.Model;
using Vlm.Text;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>Prompts of unequal length as one tensor, ends aligned.</summary>
internal sealed class LeftPadded
{
    public LeftPadded(IReadOnlyList<TorchPrompt> questions, VlmConfig config)
    {
        Length = questions.Max(q => q.Ids.Length);
        var (ids, mask, positions) = (new long[questions.Count * Length], new bool[questions.Count * Length], new long[3 * questions.Count * Length]);
        Array.Fill(ids, config.PadTokenId);
        var nextPositions = new long[questions.Count];
        for (var r = 0; r < questions.Count; r++)
        {
            var q = questions[r];
            var start = r * Length + Length - q.Ids.Length;
            for (var t = 0; t < q.Ids.Length; t++) (ids[start + t], mask[start + t]) = (q.Ids[t], true);
            var rope = RopePositions.For(q.Ids, q.Patches is null ? [] : [q.Patches.Grid], config);
            for (var axis = 0; axis < 3; axis++) Array.Copy(rope.Values, axis * rope.Length, positions, axis * questions.Count * Length + start, rope.Length);
            nextPositions[r] = q.Ids.Length + rope.Delta;
        }
        Ids = tensor(ids).view(questions.Count, Length);
        Mask = tensor(mask).view(questions.Count, Length);
        Positions = tensor(positions).view(3, questions.Count, Length);
        Rows = new DecodedRows(Mask, nextPositions);
    }

    /// <summary>Tokens of the longest prompt.</summary>
    public int Length { get; }

    /// <summary>[B, T]</summary>
    public Tensor Ids { get; }

    /// <summary>[B, T] true for tokens.</summary>
    public Tensor Mask { get; }

    /// <summary>[3, B, T]</summary>
    public Tensor Positions { get; }

    /// <summary>What the steps after the prompts need of them.</summary>
    public DecodedRows Rows { get; }
}

/// <summary>Rows that are decoded token by token behind their padded prompts.</summary>
/// <param name="Mask">[B, T] true for the prompts' tokens.</param>
/// <param name="NextPositions">[B] position of the first token after the prompt, the same on all three axes.</param>
internal sealed record DecodedRows(Tensor Mask, long[] NextPositions)
{
    /// <summary>[3, B, 1] of the token that step <paramref name="step"/> feeds.</summary>
    public Tensor PositionsAt(int step) => tensor(NextPositions.Select(p => p + step).ToArray()).view(1, -1, 1).expand(3, -1, 1);

    /// <summary>[B, 1, 1, length + step + 1]: all but the padding is seen.</summary>
    public Tensor BiasAt(int step)
    {
        var hidden = cat([Mask.logical_not(), zeros(Mask.shape[0], step + 1, dtype: ScalarType.Bool)], 1);
        return zeros(hidden.shape).masked_fill(hidden, Constants.MinusInfinity).unsqueeze(1).unsqueeze(1);
    }

    /// <summary>These rows, in this order; a row may come several times.</summary>
    public DecodedRows Select(long[] rows)
    {
        using var index = tensor(rows);
        return new DecodedRows(Mask.index_select(0, index), [.. rows.Select(r => NextPositions[r])]);
    }
}

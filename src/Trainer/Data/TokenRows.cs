using Vlm.Text;
using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Data;

/// <summary>A sequence for the decoder.</summary>
/// <param name="Ids">[T] tokens, with one image token per merged patch.</param>
/// <param name="Positions">M-RoPE positions of the T tokens.</param>
/// <param name="Picture">Index of its picture among those of the batch; −1 for text alone.</param>
public record TokenRow(int[] Ids, RopePositions Positions, int Picture);

/// <summary>Where short sequences are filled up.</summary>
public enum FillSide
{
    /// <summary>Behind their ends: for sequences that are known whole. Nothing sees the padding, as it comes later.</summary>
    Right,

    /// <summary>Before their beginnings, so that all ends are aligned: for sequences that are written on.</summary>
    Left,
}

/// <summary>Sequences of unequal length as tensors on a model's device; made inside the caller's dispose scope.</summary>
public sealed class TokenRows
{
    private readonly IReadOnlyList<TokenRow> _rows;
    private readonly FillSide _side;
    private readonly Device _device;

    /// <param name="rows">[R], at least one.</param>
    /// <param name="side">Where short ones are filled up.</param>
    /// <param name="model">Whose padding token and device are taken.</param>
    public TokenRows(IReadOnlyList<TokenRow> rows, FillSide side, QwenVl model)
    {
        (_rows, _side, _device) = (rows, side, model.Compute.Device);
        Length = rows.Max(r => r.Ids.Length);
        var (ids, mask, positions) = (new long[rows.Count * Length], new bool[rows.Count * Length], new long[3 * rows.Count * Length]);
        Array.Fill(ids, model.Config.PadTokenId);
        for (var r = 0; r < rows.Count; r++)
        {
            var row = rows[r];
            var start = r * Length + (side == FillSide.Left ? Length - row.Ids.Length : 0);
            for (var t = 0; t < row.Ids.Length; t++) (ids[start + t], mask[start + t]) = (row.Ids[t], true);
            for (var axis = 0; axis < 3; axis++)
                Array.Copy(row.Positions.Values, axis * row.Positions.Length, positions, axis * rows.Count * Length + start, row.Positions.Length);
        }
        Ids = tensor(ids, device: _device).view(rows.Count, Length);
        Mask = tensor(mask, device: _device).view(rows.Count, Length);
        Positions = tensor(positions, device: _device).view(3, rows.Count, Length);
    }

    /// <summary>Tokens of the longest row.</summary>
    public int Length { get; }

    /// <summary>[R, T]</summary>
    public Tensor Ids { get; }

    /// <summary>[R, T] true for tokens, false for padding.</summary>
    public Tensor Mask { get; }

    /// <summary>[3, R, T]; padding has position 0, which nothing sees.</summary>
    public Tensor Positions { get; }

    /// <summary>[T, T], or [R, 1, T, T] where padding comes first: what each token may see.</summary>
    public Tensor Bias => _side == FillSide.Left ? QwenVl.CausalBias(Length, Mask) : QwenVl.CausalBias(Length, device: _device);

    /// <summary>[N, 1176] patches of pictures, one picture after the other.</summary>
    public static Tensor Pixels(IReadOnlyList<Patches> pictures, Device device)
    {
        var width = pictures[0].Values.Length / pictures[0].Grid.Patches;
        var pixels = empty(pictures.Sum(p => (long)p.Grid.Patches), width, device: device);
        long row = 0;
        foreach (var picture in pictures)
        {
            using var one = tensor(picture.Values).view(-1, width);
            pixels.narrow(0, row, one.shape[0]).copy_(one);
            row += one.shape[0];
        }
        return pixels;
    }

    /// <summary>Embeddings with the pictures in their places; a picture's features serve all rows that ask about it.</summary>
    /// <param name="model">Looks words up.</param>
    /// <param name="features">[M, C] of the pictures, in their order; null when there are none.</param>
    /// <param name="pictures">What the rows' indices mean.</param>
    /// <returns>[R, T, C] float32</returns>
    public Tensor Embed(QwenVl model, Tensor? features, IReadOnlyList<Patches> pictures)
    {
        var starts = new long[pictures.Count + 1];
        for (var i = 0; i < pictures.Count; i++) starts[i + 1] = starts[i] + pictures[i].Grid.MergedTokens(model.Config.Vision.SpatialMergeSize);
        long[] order = [.. _rows.Where(r => r.Picture >= 0).SelectMany(r => Range(starts[r.Picture], starts[r.Picture + 1]))];
        return model.Embed(Ids, order.Length == 0 ? null : features!.index_select(0, tensor(order, device: _device)));
    }

    private static IEnumerable<long> Range(long first, long end)
    {
        for (var i = first; i < end; i++) yield return i;
    }
}

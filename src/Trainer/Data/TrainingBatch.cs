using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Data;

/// <summary>Numbers of one training step in the memory of the process; <see cref="BatchTensors"/> is the same on the device.</summary>
/// <param name="Pictures">Pictures, those of equal grids next to each other.</param>
/// <param name="Rows">Sequences about them; text-only rows among them.</param>
public sealed record TrainingBatch(IReadOnlyList<LabelledPatches> Pictures, IReadOnlyList<TrainingRow> Rows)
{
    /// <summary>Grids in the order of the pictures.</summary>
    public IReadOnlyList<PatchGrid> Grids { get; } = [.. Pictures.Select(p => p.Patches.Grid)];

    /// <summary>Tokens of the longest row.</summary>
    public int Length { get; } = Rows.Count == 0 ? 0 : Rows.Max(r => r.Ids.Length);
}

/// <summary>Targets of one loss: flat places and the class at each.</summary>
public sealed record Targets(Tensor Places, Tensor Classes)
{
    /// <summary>Whether there is anything to learn.</summary>
    public bool IsEmpty => Places.shape[0] == 0;
}

/// <summary>A batch as tensors; made inside the step's dispose scope.</summary>
public sealed class BatchTensors
{
    private readonly TrainingBatch _batch;
    private readonly int _mergedPerPatchSquare;

    public BatchTensors(TrainingBatch batch, int mergeSize)
    {
        _batch = batch;
        _mergedPerPatchSquare = mergeSize * mergeSize;
    }

    /// <summary>[N, 1176] of all pictures.</summary>
    public Tensor Pixels()
    {
        var width = _batch.Pictures[0].Patches.Values.Length / _batch.Grids[0].Patches;
        var pixels = empty(_batch.Grids.Sum(g => (long)g.Patches), width);
        long row = 0;
        foreach (var picture in _batch.Pictures)
        {
            using var one = tensor(picture.Patches.Values).view(-1, width);
            pixels.narrow(0, row, one.shape[0]).copy_(one);
            row += one.shape[0];
        }
        return pixels;
    }

    /// <summary>Glyph labels over all patches.</summary>
    public Targets Glyphs() => Flat(_batch.Pictures, p => p.Patches.Grid.Patches, p => p.Glyphs.Select(g => (g.Patch, g.Class)));

    /// <summary>Pair labels over all image tokens: coded, then plain.</summary>
    public (Targets Coded, Targets Plain) Pairs()
        => (Flat(_batch.Pictures, Merged, p => p.Pairs.Select(l => (l.Token, l.Coded))),
            Flat(_batch.Pictures, Merged, p => p.Pairs.Select(l => (l.Token, l.Plain))));

    /// <summary>[R, T] token ids, padded on the right.</summary>
    public Tensor Ids(int pad)
    {
        var ids = new long[_batch.Rows.Count * _batch.Length];
        Array.Fill(ids, pad);
        for (var r = 0; r < _batch.Rows.Count; r++)
            for (var t = 0; t < _batch.Rows[r].Ids.Length; t++) ids[r * _batch.Length + t] = _batch.Rows[r].Ids[t];
        return tensor(ids).view(_batch.Rows.Count, _batch.Length);
    }

    /// <summary>[3, R, T] positions; padding has position 0, which nothing sees.</summary>
    public Tensor Positions()
    {
        var positions = new long[3 * _batch.Rows.Count * _batch.Length];
        for (var axis = 0; axis < 3; axis++)
            for (var r = 0; r < _batch.Rows.Count; r++)
            {
                var row = _batch.Rows[r].Positions;
                Array.Copy(row.Values, axis * row.Length, positions, (axis * _batch.Rows.Count + r) * _batch.Length, row.Length);
            }
        return tensor(positions).view(3, _batch.Rows.Count, _batch.Length);
    }

    /// <summary>Rows of the image features in the order in which the sequences need them; null when they are needed just once each, in order.</summary>
    public Tensor? FeatureOrder()
    {
        var starts = new int[_batch.Pictures.Count + 1];
        for (var i = 0; i < _batch.Pictures.Count; i++) starts[i + 1] = starts[i] + Merged(_batch.Pictures[i]);
        var order = _batch.Rows.Where(r => r.Picture >= 0)
            .SelectMany(r => Enumerable.Range(starts[r.Picture], starts[r.Picture + 1] - starts[r.Picture])).Select(i => (long)i).ToArray();
        return order.Length == 0 ? null : tensor(order);
    }

    /// <summary>Tokens to predict: the place is that of the token before, flat over [R, T].</summary>
    /// <param name="roles">Which tokens.</param>
    public Targets Tokens(params TokenRole[] roles)
        => Flat(_batch.Rows, _ => _batch.Length, r => Enumerable.Range(1, r.Ids.Length - 1).Where(t => roles.Contains(r.Roles[t]))
            .Select(t => (t - 1, r.Ids[t])));

    /// <summary>Pointer targets: place of the query, flat over [R, T]; class = the key's token index.</summary>
    public Targets Pointers() => Flat(_batch.Rows, _ => _batch.Length, r => r.Pointers.Select(p => (p.Query, p.Key)));

    private int Merged(LabelledPatches p) => p.Patches.Grid.Patches / _mergedPerPatchSquare;

    private static Targets Flat<T>(IReadOnlyList<T> items, Func<T, int> size, Func<T, IEnumerable<(int Place, int Class)>> labels)
    {
        var places = new List<long>();
        var classes = new List<long>();
        long start = 0;
        foreach (var item in items)
        {
            foreach (var (place, label) in labels(item))
            {
                places.Add(start + place);
                classes.Add(label);
            }
            start += size(item);
        }
        return new Targets(tensor(places.ToArray()), tensor(classes.ToArray()));
    }
}

using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Data;

/// <summary>
/// Numbers of one training step in the memory of the process; <see cref="TokenRows"/> and <see cref="BatchTargets"/> are the same on the device.
/// </summary>
/// <param name="Pictures">Pictures, those of equal grids next to each other.</param>
/// <param name="Rows">Sequences about them; text-only rows among them.</param>
public sealed record TrainingBatch(IReadOnlyList<LabelledPatches> Pictures, IReadOnlyList<TrainingRow> Rows)
{
    /// <summary>The pictures without their labels.</summary>
    public IReadOnlyList<Patches> Patches { get; } = [.. Pictures.Select(p => p.Patches)];

    /// <summary>Tokens of the longest row.</summary>
    public int Length { get; } = Rows.Count == 0 ? 0 : Rows.Max(r => r.Ids.Length);
}

/// <summary>Targets of one loss: flat places and the class at each.</summary>
public sealed record Targets(Tensor Places, Tensor Classes)
{
    /// <summary>Whether there is anything to learn.</summary>
    public bool IsEmpty => Places.shape[0] == 0;
}

/// <summary>What is to be learned from a batch, as tensors; made inside the step's dispose scope.</summary>
/// <param name="batch">Pictures and rows.</param>
/// <param name="mergeSize">Side of a merged block in patches.</param>
/// <param name="device">Where the model is.</param>
public sealed class BatchTargets(TrainingBatch batch, int mergeSize, Device device)
{
    /// <summary>Glyph labels over all patches.</summary>
    public Targets Glyphs() => Flat(batch.Pictures, p => p.Patches.Grid.Patches, p => p.Glyphs.Select(g => (g.Patch, g.Class)));

    /// <summary>Pair labels over all image tokens: coded, then plain.</summary>
    public (Targets Coded, Targets Plain) Pairs()
        => (Flat(batch.Pictures, Merged, p => p.Pairs.Select(l => (l.Token, l.Coded))),
            Flat(batch.Pictures, Merged, p => p.Pairs.Select(l => (l.Token, l.Plain))));

    /// <summary>Tokens to predict: the place is that of the token before, flat over [R, T].</summary>
    /// <param name="roles">Which tokens.</param>
    public Targets Tokens(params TokenRole[] roles)
        => Flat(batch.Rows, _ => batch.Length, r => Enumerable.Range(1, r.Ids.Length - 1).Where(t => roles.Contains(r.Roles[t]))
            .Select(t => (t - 1, r.Ids[t])));

    /// <summary>Pointer targets: place of the query, flat over [R, T]; class = the key's token index.</summary>
    public Targets Pointers() => Flat(batch.Rows, _ => batch.Length, r => r.Pointers.Select(p => (p.Query, p.Key)));

    private int Merged(LabelledPatches p) => p.Patches.Grid.MergedTokens(mergeSize);

    private Targets Flat<T>(IReadOnlyList<T> items, Func<T, int> size, Func<T, IEnumerable<(int Place, int Class)>> labels)
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
        return new Targets(tensor(places.ToArray(), device: device), tensor(classes.ToArray(), device: device));
    }
}

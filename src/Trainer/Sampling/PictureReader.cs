using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>
/// Pictures to features. Of a tower that does not learn it remembers them until it is told to forget, so that what the sampler has read is not read again to
/// learn from it.
/// </summary>
/// <param name="model">Whose tower.</param>
/// <param name="remembers">Whether the tower stays as it is; its features then have no gradient.</param>
internal sealed class PictureReader(QwenVl model, bool remembers = false) : IDisposable
{
    private readonly Dictionary<Patches, Tensor> _known = new(ReferenceEqualityComparer.Instance);

    /// <summary>[M, C] of all pictures, one after the other; null when there are none.</summary>
    public Tensor? Of(IReadOnlyList<Patches> pictures)
    {
        if (pictures.Count == 0) return null;
        if (!remembers) return Read(pictures);
        var fresh = pictures.Where(picture => !_known.ContainsKey(picture)).ToList();
        if (fresh.Count > 0) Remember(fresh);
        return cat([.. pictures.Select(picture => _known[picture])], 0);
    }

    /// <summary>Gives the memory of all pictures back.</summary>
    public void Forget()
    {
        foreach (var features in _known.Values) features.Dispose();
        _known.Clear();
    }

    public void Dispose() => Forget();

    private void Remember(List<Patches> pictures)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var features = Read(pictures);
        long first = 0;
        foreach (var picture in pictures)
        {
            long tokens = picture.Grid.MergedTokens(model.Config.Vision.SpatialMergeSize);
            _known.Add(picture, features.narrow(0, first, tokens).clone().DetachFromDisposeScope());
            first += tokens;
        }
    }

    private Tensor Read(IReadOnlyList<Patches> pictures)
        => model.Encode(TokenRows.Pixels(pictures, model.Compute.Device), [.. pictures.Select(picture => picture.Grid)]);
}

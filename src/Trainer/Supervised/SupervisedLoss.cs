using TorchSharp;
using Vlm.Model;
using Vlm.Text;
using Vlm.Trainer.Config;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Supervised;

/// <summary>The four supervised losses of one batch and what was right in it.</summary>
/// <remarks>
/// Without the pointer loss the look-up is not learned in reasonable time: uniform attention over all pairs averages all plain
/// letters, which says nothing, so neither values nor queries get a gradient.
/// </remarks>
internal sealed class SupervisedLoss(QwenVl model, AuxiliaryHeads heads, LossWeights weights)
{
    private readonly int _pointerLayer = PointerHead.Layer(model.Config.Text.NumLayers);
    private readonly Dictionary<string, double> _metrics = [];

    /// <summary>The weighted sum, and metrics by name: each loss, and shares in [0, 1] of what was predicted right.</summary>
    /// <returns>The loss is null for a batch that has nothing of what the weights ask for, such as pairs on pictures that show none.</returns>
    public (Tensor? Loss, IReadOnlyDictionary<string, double> Metrics) Of(TrainingBatch batch)
    {
        _metrics.Clear();
        var targets = new BatchTargets(batch, model.Config.Vision.SpatialMergeSize, model.Compute.Device);
        var terms = new List<Tensor>();
        var features = batch.Pictures.Count == 0 ? null : Reading(batch, targets, terms);
        if (weights.Reply > 0 && batch.Rows.Count > 0) Replying(batch, targets, features, terms);
        var loss = terms.Count == 0 ? null : stack(terms).sum();
        _metrics["loss"] = loss?.item<float>() ?? 0;
        return (loss, new Dictionary<string, double>(_metrics));
    }

    private Tensor Reading(TrainingBatch batch, BatchTargets targets, List<Tensor> terms)
    {
        var blocks = new List<Tensor>();
        var features = model.Encode(TokenRows.Pixels(batch.Patches, model.Compute.Device), [.. batch.Patches.Select(p => p.Grid)], (name, x) =>
        {
            if (name == $"visual.blocks.{AuxiliaryHeads.GlyphBlock}") blocks.Add(x.flatten(0, 1));
        });                                                                                  // [M, C]
        // A mean over no labels is no number: such a term is left out.
        var glyphs = targets.Glyphs();
        if (weights.Glyphs > 0 && !glyphs.IsEmpty) terms.Add(Term("glyphs", weights.Glyphs, heads.Glyphs(cat(blocks, 0)), glyphs, out _));
        var (coded, plain) = targets.Pairs();
        if (weights.Pairs > 0 && !coded.IsEmpty)
        {
            terms.Add(Term("coded", weights.Pairs, heads.Coded(features), coded, out var codedRight));
            terms.Add(Term("plain", weights.Pairs, heads.Plain(features), plain, out var plainRight));
            _metrics["read"] = (codedRight & plainRight).to(float32).mean().item<float>();
        }
        return features;
    }

    private void Replying(TrainingBatch batch, BatchTargets targets, Tensor? features, List<Tensor> terms)
    {
        var rows = new TokenRows(batch.Rows, FillSide.Right, model);
        var bias = rows.Bias;
        Tensor? query = null, key = null;
        var hidden = model.Decode(rows.Embed(model, features, batch.Patches), rows.Positions, bias, past: null, (name, x) =>
        {
            if (name == $"model.layers.{_pointerLayer}.query") query = x.select(1, 0).to(float32);   // [R, T, D] head 0
            if (name == $"model.layers.{_pointerLayer}.key") key = x.select(1, 0).to(float32);       // [R, T, D] its key head
        });

        var learned = targets.Tokens(TokenRole.Form, TokenRole.LookUp, TokenRole.Copy);
        var logits = model.Head(hidden.flatten(0, 1).index_select(0, learned.Places));       // [L, V]
        terms.Add(Weighted("reply", weights.Reply, nn.functional.cross_entropy(logits, learned.Classes)));
        Shares(targets, hidden);
        var pointers = targets.Pointers();
        if (weights.Pointer > 0 && !pointers.IsEmpty) terms.Add(PointerTerm(query!, key!, bias, pointers));
    }

    /// <summary>−log of the attention that head 0 of the pointer layer gives, at the arrow, to the image token of the pair.</summary>
    private Tensor PointerTerm(Tensor query, Tensor key, Tensor bias, Targets pointers)
    {
        using var scale = tensor((float)(1 / Math.Sqrt(query.shape[^1])));
        var scores = matmul(query * scale, key.transpose(1, 2)).Plus(bias);                      // [R, T, T]
        var asked = scores.flatten(0, 1).index_select(0, pointers.Places);                   // [A, T]
        _metrics["pointer_right"] = asked.argmax(-1).eq(pointers.Classes).to(float32).mean().item<float>();
        return Weighted("pointer", weights.Pointer, nn.functional.cross_entropy(asked, pointers.Classes));
    }

    private void Shares(BatchTargets batch, Tensor hidden)
    {
        using var noGradient = no_grad();
        foreach (var (name, role) in new[] { ("look_up", TokenRole.LookUp), ("copy", TokenRole.Copy) })
        {
            var targets = batch.Tokens(role);
            if (targets.IsEmpty) continue;
            var best = model.Head(hidden.flatten(0, 1).index_select(0, targets.Places)).argmax(-1);
            _metrics[name] = best.eq(targets.Classes).to(float32).mean().item<float>();
            if (role == TokenRole.LookUp) Unseen(best.cpu().data<long>().ToArray(), targets.Classes.cpu().data<long>().ToArray());
        }
    }

    /// <summary>Of the letters that the pictures do not show, the share called unseen; and of those that they show.</summary>
    private void Unseen(long[] best, long[] right)
    {
        var unseen = SmallTokenizer.Id(SmallTokenizer.Unseen);
        var called = best.Zip(right).ToLookup(pair => pair.Second == unseen, pair => pair.First == unseen ? 1.0 : 0);
        if (called[true].Any()) _metrics["unseen"] = called[true].Average();
        if (called[false].Any()) _metrics["unseen_wrongly"] = called[false].Average();
    }

    private Tensor Term(string name, double weight, Tensor logits, Targets targets, out Tensor right)
    {
        var asked = logits.index_select(0, targets.Places).to(float32);
        right = asked.argmax(-1).eq(targets.Classes);
        return Weighted(name, weight, nn.functional.cross_entropy(asked, targets.Classes));
    }

    private Tensor Weighted(string name, double weight, Tensor loss)
    {
        _metrics[$"loss_{name}"] = loss.item<float>();
        using Scalar factor = weight;
        return loss * factor;
    }
}

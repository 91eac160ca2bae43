using TorchSharp;
using Vlm.Statistics;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Grpo;

/// <summary>
/// From rows with advantages to new weights: old and reference log-probabilities, then µ passes of minibatches, each in micro-batches whose gradients add up.
/// Rows whose gradient is zero in any case are counted and not computed, equal ones are computed once.
/// </summary>
internal sealed class PolicyUpdate(QwenVl model, ReferencePolicy? reference, Optimizer optimizer, GrpoConfig config, PictureReader? reader = null)
{
    private readonly PolicyForward _forward = new(model, config.Temperature, config.SharePrompts, reader);

    /// <summary>One update means that the old policy is the current one: its log-probabilities are the new ones without gradient.</summary>
    private bool IsOnPolicy => config.UpdatesPerRollout == 1 && config.Minibatches == 1;

    /// <summary>Learns from the rows of a step.</summary>
    /// <param name="rows">Rows of a prompt next to each other.</param>
    /// <param name="step">From 0; enters the order of the minibatches.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <returns>Metrics; <c>updates</c> is 0 where no row could teach anything, so nothing was moved.</returns>
    public IReadOnlyDictionary<string, double> Run(IReadOnlyList<PolicyRow> rows, long step, double learningRate)
    {
        var metrics = new MetricMeans();
        rows = Fixed(rows);
        for (var pass = 0; pass < config.UpdatesPerRollout; pass++)
        {
            foreach (var minibatch in Ordered(rows, step, pass).Chunk(rows.Count / config.Minibatches))
                Step(minibatch, learningRate, isFirstPass: pass == 0, metrics);
        }
        return metrics.Values();
    }

    /// <summary>What does not change while the rollout is learned from.</summary>
    private List<PolicyRow> Fixed(IReadOnlyList<PolicyRow> rows)
    {
        PolicyRow[] teaching = [.. rows.Where(Teaches)];
        if (teaching.Length == 0) return [.. rows];
        var old = IsOnPolicy ? null : _forward.Numbers(teaching, config.MicroRows);
        var theirs = reference?.LogProbabilities(teaching, config.MicroRows);
        var places = Enumerable.Range(0, teaching.Length).ToDictionary(place => (object)teaching[place], place => place, ReferenceEqualityComparer.Instance);
        return [.. rows.Select(row => places.TryGetValue(row, out var place) ? row with { Old = old?[place], Reference = theirs?[place] } : row)];
    }

    /// <summary>Whole groups in another order each pass; rows of a prompt stay together, so that the tower sees a picture as seldom as can be.</summary>
    private PolicyRow[] Ordered(IReadOnlyList<PolicyRow> rows, long step, int pass)
    {
        if (IsOnPolicy) return [.. rows];
        var groups = rows.GroupBy(r => r.Prompt.Number).ToArray();
        SeededRandom.From(config.Seed, step, pass).Shuffle(groups);
        return [.. groups.SelectMany(g => g)];
    }

    private void Step(PolicyRow[] minibatch, double learningRate, bool isFirstPass, MetricMeans metrics)
    {
        PolicyRow[] teaching = [.. minibatch.Where(Teaches)];
        if (teaching.Length == 0)
        {
            // No gradient: moving on momentum and decay alone would be a step in no direction that a reward pointed to.
            metrics.Add("updates", 0, 1);
            return;
        }
        // The mean is over all rows: those that are left out add nothing to it.
        var whole = new WholeBatch(minibatch.Length, minibatch.Where(Counts).Sum(r => (double)r.Rollout.Decisions));
        optimizer.DropGradients();
        var loss = 0.0;
        // The divergence from the reference is not proportional to the advantage.
        IReadOnlyList<PolicyRow> different = config.Loss.Beta > 0 ? teaching : PolicyRow.Merged(teaching);
        foreach (var part in different.Chunk(config.MicroRows))
        {
            using var scope = NewDisposeScope();
            loss += Backward(part, whole, isFirstPass, metrics);
        }
        metrics.Add("loss", loss, 1);
        metrics.Add("gradient_norm", optimizer.Step(learningRate), 1);
        metrics.Add("updates", 1, 1);
        metrics.Add("rows_learned", (double)teaching.Length / minibatch.Length, 1);
        metrics.Add("rows_different", (double)different.Count / minibatch.Length, 1);
    }

    /// <summary>The part's share of the loss, whose gradient is added to what is there.</summary>
    private double Backward(PolicyRow[] rows, WholeBatch whole, bool isFirstPass, MetricMeans metrics)
    {
        var now = _forward.Of(rows);                                                         // [R, T]
        var mask = tensor(RolloutMask.Of([.. rows.Select(r => r.Rollout)], (int)now.shape[1], config.MaskTruncated), device: model.Compute.Device).view_as(now);
        var old = rows[0].Old is null ? now.detach() : _forward.Padded(rows, r => r.Old!);
        var sampler = _forward.Padded(rows, r => r.Rollout.LogProbabilities);
        var theirs = rows[0].Reference is null ? null : _forward.Padded(rows, r => r.Reference!);
        var advantages = tensor(rows.Select(r => (float)r.Advantage).ToArray(), device: model.Compute.Device);
        var (loss, measured) = PolicyLoss.Of(new PolicyBatch(now, old, theirs, sampler, mask, advantages) { Whole = whole }, config.Loss);
        loss.backward();

        double tokens = rows.Where(Counts).Sum(r => r.Rollout.Decisions);
        foreach (var (name, value) in measured) metrics.Add(name, value, tokens);
        if (theirs is not null && config.Loss.Beta == 0) metrics.Add("kl", Divergence(now, theirs, mask) / Math.Max(1, tokens), tokens);
        if (isFirstPass) Compare(rows, old, metrics);
        return loss.item<float>();
    }

    /// <summary>
    /// Sum of k3 = exp d − d − 1 over the tokens that count (Schulman 2020, joschu.net/blog/kl-approx), for a reference that is only watched.
    /// </summary>
    private static double Divergence(Tensor logProbabilities, Tensor reference, Tensor mask)
    {
        using var noGradient = no_grad();
        using Scalar minusOne = -1;
        var d = reference.add(logProbabilities, minusOne);
        return d.expm1().add(d, minusOne).mul(mask).sum().item<float>();
    }

    /// <summary>How far the sampler's numbers are from the trainer's before the first update.</summary>
    private void Compare(PolicyRow[] rows, Tensor old, MetricMeans metrics)
    {
        using var noGradient = no_grad();
        double tokens = rows.Sum(r => r.Rollout.Decisions);
        using Scalar minusOne = -1;
        var difference = old.add(_forward.Padded(rows, r => r.Rollout.LogProbabilities), minusOne).abs();
        metrics.Add("sampler_difference", difference.sum().item<float>() / tokens, tokens);
        metrics.Max("sampler_difference_max", difference.max().item<float>());
    }

    /// <summary>Whether a row has a gradient: without advantage only the divergence from the reference has one, and a masked row has none.</summary>
    private bool Teaches(PolicyRow row) => Counts(row) && (row.Advantage != 0 || config.Loss.Beta > 0);

    private bool Counts(PolicyRow row) => !(config.MaskTruncated && row.Rollout.Truncated);
}

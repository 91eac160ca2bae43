using Vlm.Text;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Grpo;

/// <summary>Log-probabilities of completions under a model, teacher forced.</summary>
/// <param name="LogProbabilities">[R, T] of each token at the sampling softmax; 0 after the end of a completion. T: the longest completion.</param>
/// <param name="Entropy">[R, T] nats, without gradient; 0 after the end.</param>
internal sealed record PolicyOutput(Tensor LogProbabilities, Tensor Entropy);

/// <summary>The trainer's pass: prompts and completions as whole sequences, padded on the right. The tower runs once per picture for all its rows.</summary>
internal sealed class PolicyForward(QwenVl model, double temperature)
{
    private readonly SamplingSoftmax _softmax = new(model.Config, temperature);

    /// <summary>Log-probabilities of the rows' completions, with gradient where it is enabled.</summary>
    public PolicyOutput Of(IReadOnlyList<PolicyRow> rows)
    {
        var prompts = rows.Select(r => r.Prompt).Distinct(ReferenceEqualityComparer.Instance).Cast<PolicyPrompt>().Where(p => p.Question.Patches is not null)
            .ToList();
        Patches[] pictures = [.. prompts.Select(p => p.Question.Patches!)];
        var sequences = new TokenRows([.. rows.Select(r => Sequence(r, prompts.IndexOf(r.Prompt)))], FillSide.Right, model);
        var features = pictures.Length == 0 ? null : model.Encode(TokenRows.Pixels(pictures, model.Compute.Device), [.. pictures.Select(p => p.Grid)]);
        var hidden = model.Decode(sequences.Embed(model, features, pictures), sequences.Positions, sequences.Bias);               // [R, S, C]
        var (places, targets) = Completions(rows, sequences.Length);
        using var index = tensor(places, device: model.Compute.Device);
        using var wanted = tensor(targets, device: model.Compute.Device).unsqueeze(-1);
        var all = _softmax.LogProbabilities(model.Head(hidden.flatten(0, 1).index_select(0, index)));                               // [L, V]
        var mask = Mask(rows);
        return new PolicyOutput(Spread(all.gather(-1, wanted).squeeze(-1), mask), Spread(SamplingSoftmax.Entropy(all.detach()), mask));
    }

    /// <summary>[R, T] true where a completion has a token.</summary>
    public Tensor Mask(IReadOnlyList<PolicyRow> rows)
    {
        var longest = rows.Max(r => r.Rollout.Ids.Length);
        return tensor(rows.SelectMany(r => Enumerable.Range(0, longest).Select(t => t < r.Rollout.Ids.Length)).ToArray(), device: model.Compute.Device).view(
            rows.Count, longest);
    }

    /// <summary>[R, T] of numbers per token; 0 after the end.</summary>
    public Tensor Padded(IReadOnlyList<PolicyRow> rows, Func<PolicyRow, float[]> values)
    {
        var longest = rows.Max(r => r.Rollout.Ids.Length);
        var padded = new float[rows.Count * longest];
        for (var r = 0; r < rows.Count; r++) values(rows[r]).CopyTo(padded, r * longest);
        return tensor(padded, device: model.Compute.Device).view(rows.Count, longest);
    }

    /// <summary>The same without gradient, as numbers: [R][T] without padding.</summary>
    /// <param name="rows">Any number.</param>
    /// <param name="most">Rows per pass.</param>
    public IReadOnlyList<float[]> Numbers(IReadOnlyList<PolicyRow> rows, int most)
    {
        using var noGradient = no_grad();
        return [.. rows.Chunk(most).SelectMany(part =>
        {
            using var scope = NewDisposeScope();
            var values = Of(part).LogProbabilities.cpu().data<float>().ToArray();
            return part.Select((row, r) => values[(r * (values.Length / part.Length))..][..row.Rollout.Ids.Length]);
        })];
    }

    /// <summary>Prompt and completion but for its last token, which is only predicted.</summary>
    private TokenRow Sequence(PolicyRow row, int picture)
    {
        var (question, completion) = (row.Prompt.Question, row.Rollout.Ids);
        int[] ids = [.. question.Ids, .. completion.AsSpan(0, completion.Length - 1)];
        return new TokenRow(ids, RopePositions.For(ids, question.Patches is null ? [] : [question.Patches.Grid], model.Config), picture);
    }

    /// <summary>Flat places over [R, S] whose outputs predict the completions, and the tokens there.</summary>
    private static (long[] Places, long[] Targets) Completions(IReadOnlyList<PolicyRow> rows, int length)
    {
        var places = rows.SelectMany(
            (row, r) => Enumerable.Range(row.Prompt.Question.Ids.Length - 1, row.Rollout.Ids.Length).Select(t => (long)r * length + t));
        return ([.. places], [.. rows.SelectMany(r => r.Rollout.Ids).Select(id => (long)id)]);
    }

    /// <summary>[L] values of the true places, row by row, to [R, T].</summary>
    private static Tensor Spread(Tensor values, Tensor mask) => zeros(mask.shape, device: mask.device).masked_scatter(mask, values);
}

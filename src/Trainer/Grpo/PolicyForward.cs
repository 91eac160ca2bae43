using Vlm.Text;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Grpo;

/// <summary>One completion as the trainer takes it.</summary>
/// <param name="Prompt">What was asked; rows of one prompt share this object, and so one pass of the tower.</param>
/// <param name="Rollout">The completion.</param>
/// <param name="Advantage">How much better it was than its group.</param>
internal sealed record PolicyRow(PolicyPrompt Prompt, Rollout Rollout, double Advantage)
{
    /// <summary>
    /// [T] the trainer's log-probabilities before the first update; null when the first update is the only one, so that they are the current ones.
    /// </summary>
    public float[]? Old { get; init; }

    /// <summary>[T] the reference's log-probabilities; null without a reference.</summary>
    public float[]? Reference { get; init; }
}

/// <summary>Log-probabilities of completions under a model, teacher forced.</summary>
/// <param name="LogProbabilities">[R, T] of each token at the sampling softmax; 0 behind the end of a completion. T: the longest completion.</param>
/// <param name="Entropy">[R, T] nats, without gradient; 0 behind the end.</param>
internal sealed record PolicyOutput(Tensor LogProbabilities, Tensor Entropy);

/// <summary>The trainer's pass: prompts and completions as whole sequences, padded on the right. The tower runs once per picture for all its rows.</summary>
internal sealed class PolicyForward(QwenVl model, double temperature)
{
    private readonly SamplingSoftmax _softmax = new(model.Config, temperature);

    /// <summary>Log-probabilities of the rows' completions, with gradient where it is enabled.</summary>
    public PolicyOutput Of(IReadOnlyList<PolicyRow> rows)
    {
        var sequences = rows.Select(r => (int[])[.. r.Prompt.Question.Ids, .. r.Rollout.Ids.AsSpan(0, r.Rollout.Ids.Length - 1)]).ToList();
        var length = sequences.Max(s => s.Length);
        var hidden = model.Decode(Embeds(rows, sequences, length), Positions(rows, sequences, length), QwenVl.CausalBias(length));   // [R, S, C]
        var (places, targets) = Completions(rows, length);
        using var index = tensor(places);
        using var wanted = tensor(targets).unsqueeze(-1);
        var all = _softmax.LogProbabilities(model.Head(hidden.flatten(0, 1).index_select(0, index)));                               // [L, V]
        var mask = Mask(rows);
        return new PolicyOutput(Spread(all.gather(-1, wanted).squeeze(-1), mask), Spread(SamplingSoftmax.Entropy(all.detach()), mask));
    }

    /// <summary>[R, T] true where a completion has a token.</summary>
    public static Tensor Mask(IReadOnlyList<PolicyRow> rows)
    {
        var longest = rows.Max(r => r.Rollout.Ids.Length);
        return tensor(rows.SelectMany(r => Enumerable.Range(0, longest).Select(t => t < r.Rollout.Ids.Length)).ToArray()).view(rows.Count, longest);
    }

    /// <summary>[R, T] of numbers per token; 0 behind the end.</summary>
    public static Tensor Padded(IReadOnlyList<PolicyRow> rows, Func<PolicyRow, float[]> values)
    {
        var longest = rows.Max(r => r.Rollout.Ids.Length);
        var padded = new float[rows.Count * longest];
        for (var r = 0; r < rows.Count; r++) values(rows[r]).CopyTo(padded, r * longest);
        return tensor(padded).view(rows.Count, longest);
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
            var values = Of(part).LogProbabilities.data<float>().ToArray();
            return part.Select((row, r) => values[(r * (values.Length / part.Length))..][..row.Rollout.Ids.Length]);
        })];
    }

    /// <summary>[R, S, C]; the features of a picture are used by all rows that ask about it.</summary>
    private Tensor Embeds(IReadOnlyList<PolicyRow> rows, List<int[]> sequences, int length)
    {
        var prompts = rows.Select(r => r.Prompt).Distinct(ReferenceEqualityComparer.Instance).Cast<PolicyPrompt>().ToList();
        var ids = new long[rows.Count * length];
        Array.Fill(ids, model.Config.PadTokenId);
        for (var r = 0; r < rows.Count; r++)
            for (var t = 0; t < sequences[r].Length; t++) ids[r * length + t] = sequences[r][t];
        var features = QuestionPictures.Features(model, prompts.Select(p => p.Question));
        var order = FeatureOrder(rows, prompts);
        return model.Embed(tensor(ids).view(rows.Count, length), features?.index_select(0, tensor(order)));
    }

    private long[] FeatureOrder(IReadOnlyList<PolicyRow> rows, List<PolicyPrompt> prompts)
    {
        var merge = model.Config.Vision.SpatialMergeSize;
        var starts = new Dictionary<PolicyPrompt, (long First, int Count)>(ReferenceEqualityComparer.Instance);
        long next = 0;
        foreach (var prompt in prompts)
        {
            var count = prompt.Question.Patches?.Grid.MergedTokens(merge) ?? 0;
            starts[prompt] = (next, count);
            next += count;
        }
        return [.. rows.SelectMany(r => Enumerable.Range(0, starts[r.Prompt].Count).Select(i => starts[r.Prompt].First + i))];
    }

    /// <summary>[3, R, S]; padding has position 0, which nothing sees.</summary>
    private Tensor Positions(IReadOnlyList<PolicyRow> rows, List<int[]> sequences, int length)
    {
        var positions = new long[3 * rows.Count * length];
        for (var r = 0; r < rows.Count; r++)
        {
            var patches = rows[r].Prompt.Question.Patches;
            var rope = RopePositions.For(sequences[r], patches is null ? [] : [patches.Grid], model.Config);
            for (var axis = 0; axis < 3; axis++) Array.Copy(rope.Values, axis * rope.Length, positions, (axis * rows.Count + r) * length, rope.Length);
        }
        return tensor(positions).view(3, rows.Count, length);
    }

    /// <summary>Flat places over [R, S] whose outputs predict the completions, and the tokens there.</summary>
    private static (long[] Places, long[] Targets) Completions(IReadOnlyList<PolicyRow> rows, int length)
    {
        var places = rows.SelectMany(
            (row, r) => Enumerable.Range(row.Prompt.Question.Ids.Length - 1, row.Rollout.Ids.Length).Select(t => (long)r * length + t));
        return ([.. places], [.. rows.SelectMany(r => r.Rollout.Ids).Select(id => (long)id)]);
    }

    /// <summary>[L] values of the true places, row by row, to [R, T].</summary>
    private static Tensor Spread(Tensor values, Tensor mask) => zeros(mask.shape).masked_scatter(mask, values);
}

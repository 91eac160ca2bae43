using Vlm.Text;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Grpo;

/// <summary>
/// The trainer's pass: log-probabilities of completions under a model, teacher forced. Tower and prompt are computed once for all completions of a prompt, and
/// nothing after the last decision is.
/// </summary>
/// <param name="model">The policy, or the reference.</param>
/// <param name="temperature">That of the sampling softmax.</param>
/// <param name="sharesPrompts">
/// False repeats the prompt for every completion: the same numbers for more work. So it is with gradient checkpointing too, whose blocks stand for themselves.
/// </param>
/// <param name="reader">Reads pictures; null for one that remembers nothing.</param>
internal sealed class PolicyForward(QwenVl model, double temperature, bool sharesPrompts = true, PictureReader? reader = null)
{
    private readonly PictureReader _reader = reader ?? new PictureReader(model);
    private readonly SamplingSoftmax _softmax = new(model.Config, temperature);

    private Device Device => model.Compute.Device;

    /// <summary>[R, T] log-probabilities of the rows' decisions, with gradient where it is enabled; 0 elsewhere. T: tokens of the longest completion.</summary>
    /// <param name="rows">All free, or all held; rows of a prompt next to each other.</param>
    public Tensor Of(IReadOnlyList<PolicyRow> rows)
    {
        var prompts = new PromptIndex(rows);
        var features = _reader.Of(prompts.Pictures);
        var logits = model.Head(sharesPrompts && !model.GradientCheckpointing ? Shared(rows, prompts, features) : Whole(rows, prompts, features));   // [L, V]
        var all = rows[0].Rollout.Held is null
            ? _softmax.LogProbabilities(logits)
            : _softmax.LogProbabilities(logits, [.. rows.SelectMany(row => row.Rollout.Held!).Select(decision => decision.Allowed)]);
        using var wanted = tensor(rows.SelectMany(row => row.Rollout.Places.Select(place => (long)row.Rollout.Ids[place])).ToArray(), device: Device);
        var mask = Mask(rows);
        return zeros(mask.shape, device: Device).masked_scatter(mask, all.gather(-1, wanted.unsqueeze(-1)).squeeze(-1));
    }

    /// <summary>[R, T] true where a completion has a decision.</summary>
    public Tensor Mask(IReadOnlyList<PolicyRow> rows)
        => tensor(RolloutMask.Of([.. rows.Select(r => r.Rollout)], Longest(rows), maskTruncated: false), device: Device)
            .view(rows.Count, -1).to(ScalarType.Bool);

    /// <summary>[R, T] of numbers per token; 0 after the end.</summary>
    public Tensor Padded(IReadOnlyList<PolicyRow> rows, Func<PolicyRow, float[]> values)
    {
        var longest = Longest(rows);
        var padded = new float[rows.Count * longest];
        for (var r = 0; r < rows.Count; r++) values(rows[r]).CopyTo(padded, r * longest);
        return tensor(padded, device: Device).view(rows.Count, longest);
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
            var values = Of(part).cpu().data<float>().ToArray();
            return part.Select((row, r) => values[(r * (values.Length / part.Length))..][..row.Rollout.Ids.Length]);
        })];
    }

    /// <summary>[L, C] what each decision is made from: one pass over the prompts, one over what was written to them.</summary>
    private Tensor Shared(IReadOnlyList<PolicyRow> rows, PromptIndex prompts, Tensor? features)
    {
        var asked = new TokenRows([.. prompts.Rows.Select((row, p) => Sequence(row, row.Rollout.First, prompts.Picture(p)))], FillSide.Right, model);
        var keys = new PromptKeys();
        var read = model.Decode(asked.Embed(model, features, prompts.Pictures), asked.Positions, asked.Bias, keys).flatten(0, 1);   // [P·S, C]
        var written = rows.Max(row => row.Rollout.Last - row.Rollout.First);
        if (written > 0)
        {
            var replies = new TokenRows([.. rows.Select(Continuation)], FillSide.Right, model);
            using var owners = tensor(prompts.Owners, device: Device);
            var padding = asked.Mask.logical_not().index_select(0, owners).unsqueeze(1).unsqueeze(1).expand(-1, 1, written, -1);
            var before = zeros(padding.shape, device: Device).masked_fill(padding, Constants.MinusInfinity);                      // [R, 1, W, S]
            var bias = cat([before, replies.Bias.expand(rows.Count, 1, written, written)], -1);
            var hidden = model.Decode(replies.Embed(model, null, []), replies.Positions, bias, keys.For(owners));                  // [R, W, C]
            read = cat([read, hidden.flatten(0, 1)], 0);
        }
        using var index = tensor(rows.SelectMany((row, r) => row.Rollout.Places.Select(place => Place(row, r, place))).ToArray(), device: Device);
        return read.index_select(0, index);

        // The token before a decision is the prompt's last, or one that was written.
        long Place(PolicyRow row, int r, int place) => place == row.Rollout.First
            ? (prompts.Owners[r] * asked.Length) + row.Prompt.Question.Ids.Length + place - 1
            : ((long)prompts.Rows.Count * asked.Length) + ((long)r * written) + place - row.Rollout.First - 1;
    }

    /// <summary>[L, C] the same from whole sequences.</summary>
    private Tensor Whole(IReadOnlyList<PolicyRow> rows, PromptIndex prompts, Tensor? features)
    {
        var sequences = new TokenRows(
            [.. rows.Select((row, r) => Sequence(row, row.Rollout.Last, prompts.Picture((int)prompts.Owners[r])))], FillSide.Right, model);
        var hidden = model.Decode(sequences.Embed(model, features, prompts.Pictures), sequences.Positions, sequences.Bias);   // [R, S, C]
        using var index = tensor(rows.SelectMany((row, r) => row.Rollout.Places.Select(place => Place(row, r, place))).ToArray(), device: Device);
        return hidden.flatten(0, 1).index_select(0, index);

        long Place(PolicyRow row, int r, int place) => ((long)r * sequences.Length) + row.Prompt.Question.Ids.Length + place - 1;
    }

    /// <summary>The prompt and what was written to it, up to a token that is only predicted.</summary>
    private TokenRow Sequence(PolicyRow row, int end, int picture)
    {
        var question = row.Prompt.Question;
        int[] ids = [.. question.Ids, .. row.Rollout.Ids.AsSpan(0, end)];
        return new TokenRow(ids, Positions(question.Patches, ids), picture);
    }

    /// <summary>What was written from the first decision up to the last, which is only predicted.</summary>
    private TokenRow Continuation(PolicyRow row)
    {
        var (question, rollout) = (row.Prompt.Question, row.Rollout);
        var ids = rollout.Ids[rollout.First..rollout.Last];
        var first = question.Ids.Length + rollout.First + Positions(question.Patches, question.Ids).Delta;
        long[] axis = [.. Enumerable.Range(0, ids.Length).Select(t => first + t)];
        return new TokenRow(ids, new RopePositions([.. axis, .. axis, .. axis], ids.Length, first), -1);
    }

    private RopePositions Positions(Patches? picture, int[] ids) => RopePositions.For(ids, picture is null ? [] : [picture.Grid], model.Config);

    private static int Longest(IReadOnlyList<PolicyRow> rows) => rows.Max(r => r.Rollout.Ids.Length);
}

/// <summary>Which rows are about which prompt.</summary>
internal sealed class PromptIndex
{
    private readonly int[] _pictures;

    public PromptIndex(IReadOnlyList<PolicyRow> rows)
    {
        var numbers = new Dictionary<PolicyPrompt, int>(ReferenceEqualityComparer.Instance);
        foreach (var row in rows) numbers.TryAdd(row.Prompt, numbers.Count);
        Owners = [.. rows.Select(row => (long)numbers[row.Prompt])];
        Rows = [.. rows.DistinctBy(row => numbers[row.Prompt])];
        var picture = 0;
        _pictures = [.. Rows.Select(row => row.Prompt.Question.Patches is null ? -1 : picture++)];
        Pictures = [.. Rows.Where(row => row.Prompt.Question.Patches is not null).Select(row => row.Prompt.Question.Patches!)];
    }

    /// <summary>[R] the prompt of each row.</summary>
    public long[] Owners { get; }

    /// <summary>[P] the first row of each prompt.</summary>
    public IReadOnlyList<PolicyRow> Rows { get; }

    /// <summary>Pictures of the prompts that have one.</summary>
    public Patches[] Pictures { get; }

    /// <summary>The picture of a prompt; −1 for text alone.</summary>
    public int Picture(int prompt) => _pictures[prompt];
}

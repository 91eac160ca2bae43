using Vlm.Model;
using Vlm.Text;
using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>A picture and the prompt about it.</summary>
/// <param name="Patches">The picture; null for text alone.</param>
/// <param name="Ids">[T] prompt with image tokens expanded.</param>
public sealed record Question(Patches? Patches, int[] Ids);

/// <summary>A reply as the model gave it.</summary>
/// <param name="Ids">Tokens without the stop token.</param>
/// <param name="LogProbabilities">Natural logarithm, one per token of <paramref name="Ids"/>.</param>
/// <param name="Stopped">False when it was cut at the limit.</param>
public sealed record TorchReply(int[] Ids, float[] LogProbabilities, bool Stopped);

/// <summary>Greedy replies to a batch of questions: one prefill, then one token per row and step through the cache.</summary>
public sealed class GreedyReplies(QwenVl model, int mostTokens)
{
    private readonly VlmConfig config = model.Config;

    /// <summary>Replies in the order of the questions.</summary>
    /// <param name="questions">Any lengths; they are padded on the left.</param>
    public IReadOnlyList<TorchReply> To(IReadOnlyList<Question> questions)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var batch = new LeftPadded(questions, config);
        var features = Features(questions);
        using var cache = new KvCache(config.Text.NumLayers, questions.Count, config.Text.NumKeyValueHeads, batch.Length + mostTokens, config.Text.HeadDim, model.ComputeType);
        var hidden = model.Decode(model.Embed(batch.Ids, features), batch.Positions, QwenVl.CausalBias(batch.Length, batch.Mask), cache);
        var rows = questions.Select(_ => new Row()).ToList();
        Take(rows, hidden.select(1, batch.Length - 1));
        for (var step = 0; step < mostTokens - 1 && rows.Exists(r => !r.Stopped); step++)
        {
            using var inner = NewDisposeScope();
            var ids = tensor(rows.Select(r => (long)(r.Stopped ? config.PadTokenId : r.Ids[^1])).ToArray()).view(-1, 1);
            hidden = model.Decode(model.Embed(ids, null), batch.PositionsAt(step), batch.BiasAt(step), cache);
            Take(rows, hidden.select(1, 0));
        }
        return [.. rows.Select(r => new TorchReply([.. r.Ids], [.. r.LogProbabilities], r.Stopped))];
    }

    private Tensor? Features(IReadOnlyList<Question> questions)
    {
        var pictures = questions.Where(q => q.Patches is not null).Select(q => q.Patches!).ToList();
        if (pictures.Count == 0) return null;
        var pixels = tensor(pictures.SelectMany(p => p.Values).ToArray()).view(pictures.Sum(p => p.Grid.Patches), -1);
        return model.Encode(pixels, [.. pictures.Select(p => p.Grid)]);
    }

    private void Take(List<Row> rows, Tensor hidden)
    {
        var logProbabilities = nn.functional.log_softmax(model.Head(hidden), -1);            // [B, V]
        var (best, tokens) = logProbabilities.max(-1);
        var (values, ids) = (best.data<float>().ToArray(), tokens.data<long>().ToArray());
        for (var r = 0; r < rows.Count; r++)
        {
            if (rows[r].Stopped) continue;
            if (config.EosTokenIds.Contains((int)ids[r])) { rows[r].Stopped = true; continue; }
            rows[r].Ids.Add((int)ids[r]);
            rows[r].LogProbabilities.Add(values[r]);
        }
    }

    private sealed class Row
    {
        public List<int> Ids { get; } = [];

        public List<float> LogProbabilities { get; } = [];

        public bool Stopped { get; set; }
    }

    /// <summary>Prompts of unequal length as one tensor, ends aligned.</summary>
    private sealed class LeftPadded
    {
        private readonly long[] nextPositions;

        public LeftPadded(IReadOnlyList<Question> questions, VlmConfig config)
        {
            Length = questions.Max(q => q.Ids.Length);
            var (ids, mask, positions) = (new long[questions.Count * Length], new bool[questions.Count * Length], new long[3 * questions.Count * Length]);
            Array.Fill(ids, config.PadTokenId);
            nextPositions = new long[questions.Count];
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
        }

        public int Length { get; }

        public Tensor Ids { get; }

        public Tensor Mask { get; }

        public Tensor Positions { get; }

        /// <summary>[3, B, 1] of the token that step <paramref name="step"/> feeds.</summary>
        public Tensor PositionsAt(int step) => tensor(nextPositions.Select(p => p + step).ToArray()).view(1, -1, 1).expand(3, -1, 1);

        /// <summary>[B, 1, 1, length + step + 1]: all but the padding is seen.</summary>
        public Tensor BiasAt(int step)
        {
            var hidden = cat([Mask.logical_not(), zeros(Mask.shape[0], step + 1, dtype: ScalarType.Bool)], 1);
            return zeros(hidden.shape).masked_fill(hidden, Constants.MinusInfinity).unsqueeze(1).unsqueeze(1);
        }
    }
}

using Vlm.Model;
using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>A picture and the prompt about it.</summary>
/// <param name="Patches">The picture; null for text alone.</param>
/// <param name="Ids">[T] prompt with image tokens expanded.</param>
public sealed record TorchPrompt(Patches? Patches, int[] Ids);

/// <summary>A reply as the model gave it.</summary>
/// <param name="Ids">Tokens without the stop token.</param>
/// <param name="LogProbabilities">Natural logarithm, one per token of <paramref name="Ids"/>.</param>
/// <param name="Stopped">False when it was cut at the limit.</param>
public sealed record TorchReply(int[] Ids, float[] LogProbabilities, bool Stopped);

/// <summary>Greedy replies to a batch of questions: one prefill, then one token per row and step through the cache.</summary>
public sealed class GreedyReplies(QwenVl model, int mostTokens)
{
    private readonly VlmConfig _config = model.Config;

    /// <summary>Replies in the order of the questions.</summary>
    /// <param name="questions">Any lengths; they are padded on the left.</param>
    public IReadOnlyList<TorchReply> To(IReadOnlyList<TorchPrompt> questions)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var batch = new LeftPadded(questions, _config);
        var features = QuestionPictures.Features(model, questions);
        using var cache = new KvCache(
            _config.Text.NumLayers, questions.Count, _config.Text.NumKeyValueHeads, batch.Length + mostTokens, _config.Text.HeadDim, model.ComputeType);
        var hidden = model.Decode(model.Embed(batch.Ids, features), batch.Positions, QwenVl.CausalBias(batch.Length, batch.Mask), cache);
        var rows = questions.Select(_ => new Row()).ToList();
        Take(rows, hidden.select(1, batch.Length - 1));
        for (var step = 0; step < mostTokens - 1 && rows.Exists(r => !r.Stopped); step++)
        {
            using var inner = NewDisposeScope();
            var ids = tensor(rows.Select(r => (long)(r.Stopped ? _config.PadTokenId : r.Ids[^1])).ToArray()).view(-1, 1);
            hidden = model.Decode(model.Embed(ids, null), batch.Rows.PositionsAt(step), batch.Rows.BiasAt(step), cache);
            Take(rows, hidden.select(1, 0));
        }
        return [.. rows.Select(r => new TorchReply([.. r.Ids], [.. r.LogProbabilities], r.Stopped))];
    }

    private void Take(List<Row> rows, Tensor hidden)
    {
        var logProbabilities = nn.functional.log_softmax(model.Head(hidden), -1);            // [B, V]
        var (best, tokens) = logProbabilities.max(-1);
        var (values, ids) = (best.data<float>().ToArray(), tokens.data<long>().ToArray());
        for (var r = 0; r < rows.Count; r++)
        {
            if (rows[r].Stopped) continue;
            if (_config.EosTokenIds.Contains((int)ids[r])) { rows[r].Stopped = true; continue; }
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
}

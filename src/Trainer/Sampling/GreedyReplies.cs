using Vlm.Model;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

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
        var batch = new PromptBatch(questions, model);
        using var cache = new KvCache(_config.Text, questions.Count, batch.Length + mostTokens, model.Compute);
        var rows = questions.Select(_ => new Row()).ToList();
        Take(rows, batch.Read(cache));
        for (var step = 0; step < mostTokens - 1 && rows.Exists(r => !r.Stopped); step++)
        {
            using var inner = NewDisposeScope();
            var last = rows.Select(r => (long)(r.Stopped ? _config.PadTokenId : r.Ids[^1])).ToArray();
            var ids = tensor(last, device: model.Compute.Device).view(-1, 1);
            Take(rows, model.Decode(model.Embed(ids, null), batch.Next.PositionsAt(step), batch.Next.BiasAt(step), cache).select(1, 0));
        }
        return [.. rows.Select(r => new TorchReply([.. r.Ids], [.. r.LogProbabilities], r.Stopped))];
    }

    private void Take(List<Row> rows, Tensor hidden)
    {
        var logProbabilities = nn.functional.log_softmax(model.Head(hidden), -1);            // [B, V]
        var (best, tokens) = logProbabilities.max(-1);
        var (values, ids) = (best.cpu().data<float>().ToArray(), tokens.cpu().data<long>().ToArray());
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

using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>
/// Replies held to their grammar, several to each question: a pass of the model for each letter that is open, in which it reads the last letter and all that
/// had to follow it. What follows the last open letter is never read.
/// </summary>
internal sealed class HeldDecoding(QwenVl model, double temperature, PictureReader? reader = null)
{
    // Copying the cache costs about a third of a pass.
    private const double CompactBelow = 0.8;

    private readonly SamplingSoftmax _softmax = new(model.Config, temperature);

    /// <summary>Writes all replies to their ends.</summary>
    /// <param name="questions">Any lengths.</param>
    /// <param name="replies">Replies that have not begun: the same number for every question, those of a question next to each other.</param>
    public void Write(IReadOnlyList<TorchPrompt> questions, IReadOnlyList<HeldReply> replies)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var room = Room([.. replies.Chunk(replies.Count / questions.Count).Select(own => own[0].Runs())]);
        var (rows, cache, logits) = Prefill(questions, replies, room);
        for (var live = replies.ToList(); ;)
        {
            using var inner = NewDisposeScope();
            using (logits) Choose(live, logits);
            var going = Enumerable.Range(0, live.Count).Where(r => !live[r].IsDone).Select(r => (long)r).ToArray();
            if (going.Length == 0) break;
            if (going.Length < CompactBelow * live.Count)
            {
                (live, rows) = ([.. going.Select(r => live[(int)r])], rows.Select(going));
                cache = Replaced(cache, going);
            }
            var (block, next) = rows.Append([.. live.Select(reply => reply.IsDone ? [] : reply.Read())], model.Config.PadTokenId);
            var hidden = model.Decode(model.Embed(block.Ids, null), block.Positions, block.Bias, cache);
            logits = model.Head(hidden.select(1, hidden.shape[1] - 1)).MoveToOuterDisposeScope();   // [B, V]
            rows = next;
            rows.Mask.MoveToOuterDisposeScope();
        }
        cache.Dispose();
    }

    /// <summary>Places for what is read after the questions: every pass takes as many as its longest run has.</summary>
    private static int Room(IReadOnlyList<IReadOnlyList<int>> runs) =>
        Enumerable.Range(0, runs.Max(own => own.Count)).Sum(pass => runs.Where(own => own.Count > pass).Max(own => own[pass]));

    /// <summary>Reads each question, and what must come before its first letter, once for all its replies.</summary>
    private (DecodedRows Rows, KvCache Cache, Tensor Logits) Prefill(IReadOnlyList<TorchPrompt> questions, IReadOnlyList<HeldReply> replies, int room)
    {
        var samples = replies.Count / questions.Count;
        var given = replies.Select(reply => reply.Read()).ToList();
        var batch = new PromptBatch([.. questions.Select((question, q) => question with { Ids = [.. question.Ids, .. given[q * samples]] })], model, reader);
        using var read = new KvCache(model.Config.Text, questions.Count, batch.Length, model.Compute);
        var hidden = batch.Read(read);
        var owners = Enumerable.Range(0, replies.Count).Select(row => (long)(row / samples)).ToArray();
        using var index = tensor(owners, device: model.Compute.Device);
        return (batch.Next.Select(owners), read.Select(owners, batch.Length + room), model.Head(hidden).index_select(0, index));
    }

    private static KvCache Replaced(KvCache cache, long[] rows)
    {
        using (cache) return cache.Select(rows, cache.Capacity);
    }

    private void Choose(List<HeldReply> rows, Tensor logits)
    {
        // A row that is done draws what nobody takes.
        var logProbabilities = _softmax.LogProbabilities(logits, [.. rows.Select(r => r.IsDone ? [0] : r.Allowed)]);   // [B, V]
        var drawn = rows[0].Random is null
            ? TokenDraw.Best(logProbabilities)
            : TokenDraw.Random(logProbabilities, [.. rows.Select(r => r.IsDone ? 0 : r.Random!.NextDouble())]);
        for (var r = 0; r < rows.Count; r++)
            if (!rows[r].IsDone) rows[r].Take((int)drawn.Ids[r], drawn.LogProbabilities[r], drawn.Entropies[r]);
    }
}

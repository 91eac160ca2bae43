using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>
/// Replies held to their grammar, several to each question: a pass of the model for each letter that is open, in which it reads the last letter and all that
/// had to follow it. What several replies have begun with alike is read once, and what follows the last open letter never.
/// </summary>
internal sealed class HeldDecoding(QwenVl model, double temperature, PictureReader? reader = null)
{
    private readonly SamplingSoftmax _softmax = new(model.Config, temperature);

    /// <summary>Writes all replies to their ends.</summary>
    /// <param name="questions">Any lengths.</param>
    /// <param name="replies">Replies that have not begun: the same number for every question, those of a question next to each other.</param>
    public void Write(IReadOnlyList<TorchPrompt> questions, IReadOnlyList<HeldReply> replies)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var perQuestion = replies.Chunk(replies.Count / questions.Count).ToList();
        var room = Room([.. perQuestion.Select(own => own[0].Runs())]);
        var (rows, cache, logits) = Prefill(questions, perQuestion, room);
        for (var branches = perQuestion.ConvertAll(own => new Branch(0, own)); ;)
        {
            using var inner = NewDisposeScope();
            using (logits) Choose(branches, logits);
            branches = Next(branches);
            if (branches.Count == 0) break;
            long[] parents = [.. branches.Select(branch => branch.Parent)];
            if (!parents.SequenceEqual(Enumerable.Range(0, (int)rows.Mask.shape[0]).Select(row => (long)row)))
                (rows, cache) = (rows.Select(parents), Replaced(cache, parents));
            var (block, next) = rows.Append([.. branches.Select(branch => branch.Read())], model.Config.PadTokenId);
            var hidden = model.Decode(model.Embed(block.Ids, null), block.Positions, block.Bias, cache);
            logits = model.Head(hidden.select(1, hidden.shape[1] - 1)).MoveToOuterDisposeScope();   // [B, V]
            rows = next;
            rows.Mask.MoveToOuterDisposeScope();
        }
        cache.Dispose();
    }

    /// <summary>Replies that have begun alike and are not over: one row of the model.</summary>
    /// <param name="Parent">The row that they were before their last letter.</param>
    /// <param name="Replies">At least one.</param>
    private sealed record Branch(long Parent, IReadOnlyList<HeldReply> Replies)
    {
        /// <summary>The tokens that were written since this was called last, the same for all.</summary>
        public int[] Read()
        {
            int[][] runs = [.. Replies.Select(reply => reply.Read())];
            return runs[0];
        }
    }

    /// <summary>Branches as the letters that were just taken part them, those of a row next to each other.</summary>
    private static List<Branch> Next(IReadOnlyList<Branch> branches) =>
        [.. branches.SelectMany((branch, row) => branch.Replies.Where(reply => !reply.IsDone).GroupBy(reply => reply.Last).Select(
            alike => new Branch(row, [.. alike])))];

    /// <summary>Places for what is read after the questions: every pass takes as many as its longest run has.</summary>
    private static int Room(IReadOnlyList<IReadOnlyList<int>> runs) =>
        Enumerable.Range(0, runs.Max(own => own.Count)).Sum(pass => runs.Where(own => own.Count > pass).Max(own => own[pass]));

    /// <summary>Reads each question, and what must come before its first letter.</summary>
    private (DecodedRows Rows, KvCache Cache, Tensor Logits) Prefill(IReadOnlyList<TorchPrompt> questions, IReadOnlyList<HeldReply[]> replies, int room)
    {
        var given = replies.Select(own => new Branch(0, own).Read());
        var batch = new PromptBatch([.. questions.Zip(given, (question, first) => question with { Ids = [.. question.Ids, .. first] })], model, reader);
        var cache = new KvCache(model.Config.Text, questions.Count, batch.Length + room, model.Compute);
        return (batch.Next, cache, model.Head(batch.Read(cache)));
    }

    private static KvCache Replaced(KvCache cache, long[] rows)
    {
        using (cache) return cache.Select(rows, cache.Capacity);
    }

    private void Choose(IReadOnlyList<Branch> branches, Tensor logits)
    {
        var logProbabilities = _softmax.LogProbabilities(logits, [.. branches.Select(branch => branch.Replies[0].Allowed)]);   // [B, V]
        HeldReply[] replies = [.. branches.SelectMany(branch => branch.Replies)];
        using var owners = tensor(branches.SelectMany((branch, row) => branch.Replies.Select(_ => (long)row)).ToArray(), device: model.Compute.Device);
        var own = logProbabilities.index_select(0, owners);                                                                    // [R, V]
        var drawn = replies[0].Random is null ? TokenDraw.Best(own) : TokenDraw.Random(own, [.. replies.Select(reply => reply.Random!.NextDouble())]);
        for (var r = 0; r < replies.Length; r++) replies[r].Take((int)drawn.Ids[r], drawn.LogProbabilities[r], drawn.Entropies[r]);
    }
}

using Vlm.Package;
using Vlm.Statistics;
using Vlm.Text;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Grpo;

/// <summary>How completions are drawn.</summary>
/// <param name="Samples">Completions per prompt, G.</param>
/// <param name="Temperature">Divides the logits. &gt; 0.</param>
/// <param name="MostTokens">A completion is cut at this many tokens.</param>
/// <param name="Seed">Of the run.</param>
internal sealed record RolloutOptions(int Samples, double Temperature, int MostTokens, long Seed);

/// <summary>Draws completions: free ones, or such as the grammar allows.</summary>
internal interface IRolloutSampler
{
    /// <summary>Groups in the order of the prompts.</summary>
    /// <param name="prompts">What is asked.</param>
    /// <param name="step">From 0; enters the seed of every completion.</param>
    IReadOnlyList<RolloutGroup> Sample(IReadOnlyList<PolicyPrompt> prompts, long step);
}

/// <summary>
/// G sampled completions per prompt from one prefill: the tower sees each picture once, the prompt's keys and values are computed once and copied
/// to G rows, and all rows are decoded together. Rows that have ended leave the batch.
/// </summary>
/// <remarks>
/// The chance of a row comes from (seed, step, prompt, sample) alone, so a resumed run draws the same. Numbers depend on the machine and,
/// in the last bits, on which rows are decoded together; both are the same in a resumed run.
/// </remarks>
internal sealed class RolloutSampler(
    QwenVl model, Tokenizer tokenizer, PromptTemplate template, RolloutOptions options, PictureReader? reader = null) : IRolloutSampler
{
    // Copying the cache costs about one step, and decoding is nearly proportional to rows: below this share of live rows it pays at once.
    private const double CompactBelow = 0.8;

    private readonly SamplingSoftmax _softmax = new(model.Config, options.Temperature);
    private readonly int[] _stops = [.. template.StopTokens.Select(tokenizer.Id)];

    /// <inheritdoc/>
    public IReadOnlyList<RolloutGroup> Sample(IReadOnlyList<PolicyPrompt> prompts, long step)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var rows = prompts.SelectMany(p => Enumerable.Range(0, options.Samples).Select(s => new Row(SeededRandom.From(options.Seed, step, p.Number, s))))
            .ToList();
        Decode(prompts, rows);
        return [.. prompts.Zip(
            rows.Chunk(options.Samples), (prompt, own) => new RolloutGroup(prompt, [.. own.Select(ToRollout)]))];
    }

    private void Decode(IReadOnlyList<PolicyPrompt> prompts, List<Row> all)
    {
        var live = all;
        var (batch, cache, logits) = Prefill(prompts);
        for (var token = 0; ; token++)
        {
            using var scope = NewDisposeScope();
            using (logits) Draw(live, logits);
            var going = Enumerable.Range(0, live.Count).Where(r => !live[r].Stopped).Select(r => (long)r).ToArray();
            if (going.Length == 0 || token + 1 == options.MostTokens) break;
            if (going.Length < CompactBelow * live.Count)
            {
                (live, batch) = ([.. going.Select(r => live[(int)r])], batch.Select(going));
                batch.Mask.MoveToOuterDisposeScope();
                cache = Replaced(cache, going);
            }
            var ids = tensor(live.Select(r => (long)r.Ids[^1]).ToArray(), device: model.Compute.Device).view(-1, 1);
            var hidden = model.Decode(model.Embed(ids, null), batch.PositionsAt(token), batch.BiasAt(token), cache);
            logits = model.Head(hidden.select(1, 0)).MoveToOuterDisposeScope();              // [B, V]
        }
        cache.Dispose();
    }

    /// <summary>Reads each prompt once and copies what was read to the rows of its completions.</summary>
    private (DecodedRows Rows, KvCache Cache, Tensor Logits) Prefill(IReadOnlyList<PolicyPrompt> prompts)
    {
        var batch = new PromptBatch([.. prompts.Select(p => p.Question)], model, reader);
        using var read = new KvCache(model.Config.Text, prompts.Count, batch.Length, model.Compute);
        var hidden = batch.Read(read);
        var owners = Enumerable.Range(0, prompts.Count * options.Samples).Select(row => (long)(row / options.Samples)).ToArray();
        using var index = tensor(owners, device: model.Compute.Device);
        return (batch.Next.Select(owners), read.Select(owners, batch.Length + options.MostTokens), model.Head(hidden).index_select(0, index));
    }

    private static KvCache Replaced(KvCache cache, long[] rows)
    {
        using (cache) return cache.Select(rows, cache.Capacity);
    }

    private void Draw(List<Row> rows, Tensor logits)
    {
        var drawn = TokenDraw.Random(_softmax.LogProbabilities(logits), [.. rows.Select(r => r.Stopped ? 0 : r.Random.NextDouble())]);
        for (var r = 0; r < rows.Count; r++)
            if (!rows[r].Stopped) rows[r].Take(drawn, r, _stops);
    }

    private Rollout ToRollout(Row row)
    {
        int[] ids = [.. row.Ids];
        float[] logProbabilities = [.. row.LogProbabilities];
        return new Rollout(ids, logProbabilities, !row.Stopped, tokenizer.Decode(row.Stopped ? ids[..^1] : ids))
        {
            Entropy = row.Entropy,
            AnswerProbability = AnswerConfidence.Of(tokenizer, ids, logProbabilities),
        };
    }

    private sealed class Row(SeededRandom random)
    {
        public SeededRandom Random => random;

        public List<int> Ids { get; } = [];

        public List<float> LogProbabilities { get; } = [];

        public double Entropy { get; private set; }

        public bool Stopped { get; private set; }

        public void Take(DrawnTokens drawn, int row, int[] stops)
        {
            var id = (int)drawn.Ids[row];
            Ids.Add(id);
            LogProbabilities.Add(drawn.LogProbabilities[row]);
            Entropy += drawn.Entropies[row];
            Stopped = stops.Contains(id);
        }
    }
}

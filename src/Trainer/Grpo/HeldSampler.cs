using Vlm.Solving;
using Vlm.Statistics;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Grpo;

/// <summary>
/// G completions per prompt, held to the grammar that <c>solve</c> holds replies to: the policy that is deployed. Only open letters are drawn, from the
/// allowed ones; such a completion is always well formed, and none is cut.
/// </summary>
/// <remarks>The chance of a row comes from (seed, step, prompt, sample) alone, as that of a free one does.</remarks>
internal sealed class HeldSampler(QwenVl model, CheckpointInput input, RolloutOptions options, PictureReader? reader = null) : IRolloutSampler
{
    private readonly HeldDecoding _decoding = new(model, options.Temperature, reader);
    private readonly ReplyGrammar _grammar = input.Grammar();

    /// <inheritdoc/>
    public IReadOnlyList<RolloutGroup> Sample(IReadOnlyList<PolicyPrompt> prompts, long step)
    {
        HeldReply[] replies = [.. prompts.SelectMany(prompt => Enumerable.Range(0, options.Samples).Select(
            sample => new HeldReply(_grammar.Start(prompt.Puzzle.Code), SeededRandom.From(options.Seed, step, prompt.Number, sample))))];
        _decoding.Write([.. prompts.Select(prompt => prompt.Question)], replies);
        return [.. prompts.Zip(replies.Chunk(options.Samples), (prompt, own) => new RolloutGroup(prompt, [.. own.Select(ToRollout)]))];
    }

    private Rollout ToRollout(HeldReply reply)
    {
        var ids = reply.Ids;
        return new Rollout(ids, reply.LogProbabilities, Truncated: false, input.Tokenizer.Decode(ids.AsSpan(0, ids.Length - 1)))
        {
            Held = reply.Decisions,
            Entropy = reply.Entropy,
            AnswerProbability = 1,   // the answer follows from the letters
        };
    }
}

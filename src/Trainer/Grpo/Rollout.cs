using Vlm.Puzzles;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Grpo;

/// <summary>A puzzle and how the policy is asked about it.</summary>
/// <param name="Number">Of the prompt within the run, from 0; enters the seed of its completions.</param>
/// <param name="Puzzle">What is asked, and the right answer.</param>
/// <param name="Question">The picture's patches and the prompt's tokens.</param>
internal sealed record PolicyPrompt(long Number, Puzzle Puzzle, TorchPrompt Question);

/// <summary>One sampled completion.</summary>
/// <param name="Ids">[T] tokens; the stop token is the last, unless it was truncated.</param>
/// <param name="LogProbabilities">
/// [T] natural logarithms under the sampler, from the softmax at the sampling temperature; 0 for tokens that had to come.
/// </param>
/// <param name="Truncated">Whether it was cut at the limit on tokens.</param>
/// <param name="Text">The completion as text, without the stop token.</param>
internal sealed record Rollout(int[] Ids, float[] LogProbabilities, bool Truncated, string Text)
{
    /// <summary>The tokens that the policy chose, where its reply was held to a grammar; null: all of them.</summary>
    public IReadOnlyList<Decision>? Held { get; init; }

    /// <summary>How many tokens the policy chose, at least 1: the rest had to come, and teaches nothing.</summary>
    public int Decisions => Held?.Count ?? Ids.Length;

    /// <summary>Places of the tokens that it chose, in order.</summary>
    public IEnumerable<int> Places => Held?.Select(decision => decision.Place) ?? Enumerable.Range(0, Ids.Length);

    /// <summary>The place of the first.</summary>
    public int First => Held is [var first, ..] ? first.Place : 0;

    /// <summary>The place of the last.</summary>
    public int Last => Held is [.., var last] ? last.Place : Ids.Length - 1;

    /// <summary>Of the sampler's distributions, summed over the decisions, in nats.</summary>
    public double Entropy { get; init; }

    /// <summary>
    /// The probability of the answer's tokens together, 0 to 1 (see <see cref="AnswerConfidence"/>); null without an answer. The rewards on confidence need it.
    /// </summary>
    public double? AnswerProbability { get; init; }
}

/// <summary>All completions of one prompt, and what they were rewarded for. A group is a type so that advantages cannot mix prompts.</summary>
internal sealed record RolloutGroup
{
    /// <exception cref="ArgumentException">Fewer than two completions: there is nothing to compare.</exception>
    public RolloutGroup(PolicyPrompt prompt, IReadOnlyList<Rollout> rollouts)
    {
        if (rollouts.Count < 2) throw new ArgumentException($"expected at least two completions of a prompt, found {rollouts.Count}", nameof(rollouts));
        (Prompt, Rollouts) = (prompt, rollouts);
    }

    /// <summary>What was asked, and how.</summary>
    public PolicyPrompt Prompt { get; }

    /// <summary>What was asked.</summary>
    public Puzzle Puzzle => Prompt.Puzzle;

    /// <summary>[G]</summary>
    public IReadOnlyList<Rollout> Rollouts { get; }

    /// <summary>The completions for the same message and cipher on a clearer or worse picture, which the pair reward compares with; null without one.</summary>
    public RolloutGroup? Twin { get; private init; }

    /// <summary>[G] per reward, before weighting; nothing until the group is rewarded.</summary>
    public IReadOnlyDictionary<string, double[]> Terms { get; init; } = new Dictionary<string, double[]>();

    /// <summary>[G] weighted sums of the terms; nothing until the group is rewarded.</summary>
    public double[] Totals { get; init; } = [];

    /// <summary>Ties the groups of one puzzle on two pictures to each other.</summary>
    /// <exception cref="ArgumentException">Other puzzles, or pictures of equal severity.</exception>
    public static (RolloutGroup First, RolloutGroup Second) Pair(RolloutGroup first, RolloutGroup second)
    {
        if (first.Puzzle.Answer != second.Puzzle.Answer || first.Puzzle.Code != second.Puzzle.Code)
            throw new ArgumentException($"expected the same puzzle on two pictures, found '{first.Puzzle.Code}' and '{second.Puzzle.Code}'", nameof(second));
        if (first.Puzzle.Severity == second.Puzzle.Severity)
            throw new ArgumentException($"expected one picture to be worse than the other, found severity {first.Puzzle.Severity} in both", nameof(second));
        return (first with { Twin = second }, second with { Twin = first });
    }
}

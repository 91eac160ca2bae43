using Vlm.Puzzles;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Grpo;

/// <summary>One sampled completion.</summary>
/// <param name="Ids">[T] tokens; the stop token is the last, unless it was truncated.</param>
/// <param name="LogProbabilities">[T] natural logarithms under the sampler, from the softmax at the sampling temperature.</param>
/// <param name="Truncated">Whether it was cut at the limit on tokens.</param>
/// <param name="Text">The completion as text, without the stop token.</param>
public sealed record Rollout(int[] Ids, float[] LogProbabilities, bool Truncated, string Text)
{
    /// <summary>
    /// The probability of the answer's tokens together, 0 to 1 (see <see cref="AnswerConfidence"/>); null without an answer. The rewards on confidence need it.
    /// </summary>
    public double? AnswerProbability { get; init; }
}

/// <summary>All completions of one prompt. A group is a type so that advantages cannot mix prompts.</summary>
public sealed class RolloutGroup
{
    /// <exception cref="ArgumentException">Fewer than two completions: there is nothing to compare.</exception>
    public RolloutGroup(Puzzle puzzle, IReadOnlyList<Rollout> rollouts)
        : this(puzzle, rollouts, null)
    {
    }

    private RolloutGroup(Puzzle puzzle, IReadOnlyList<Rollout> rollouts, RolloutGroup? twin)
    {
        if (rollouts.Count < 2) throw new ArgumentException($"expected at least two completions of a prompt, found {rollouts.Count}", nameof(rollouts));
        (Puzzle, Rollouts, Twin) = (puzzle, rollouts, twin);
    }

    /// <summary>What was asked.</summary>
    public Puzzle Puzzle { get; }

    /// <summary>[G]</summary>
    public IReadOnlyList<Rollout> Rollouts { get; }

    /// <summary>The completions for the same message and cipher on a clearer or worse picture, which the pair reward compares with; null without one.</summary>
    public RolloutGroup? Twin { get; }

    /// <summary>Ties the groups of one puzzle on two pictures to each other.</summary>
    /// <exception cref="ArgumentException">Other puzzles, or pictures of equal severity.</exception>
    public static (RolloutGroup First, RolloutGroup Second) Pair(RolloutGroup first, RolloutGroup second)
    {
        if (first.Puzzle.Answer != second.Puzzle.Answer || first.Puzzle.Code != second.Puzzle.Code)
            throw new ArgumentException($"expected the same puzzle on two pictures, found '{first.Puzzle.Code}' and '{second.Puzzle.Code}'", nameof(second));
        if (first.Puzzle.Severity == second.Puzzle.Severity)
            throw new ArgumentException($"expected one picture to be worse than the other, found severity {first.Puzzle.Severity} in both", nameof(second));
        return (new RolloutGroup(first.Puzzle, first.Rollouts, second), new RolloutGroup(second.Puzzle, second.Rollouts, first));
    }
}

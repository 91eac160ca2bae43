using Vlm.Trainer.Config;

namespace Vlm.Trainer.Grpo;

/// <summary>One completion as the trainer takes it.</summary>
/// <param name="Prompt">What was asked; rows of one prompt share this object, and so one pass of the tower.</param>
/// <param name="Rollout">The completion.</param>
/// <param name="Advantage">How much better it was than its group.</param>
internal sealed record PolicyRow(PolicyPrompt Prompt, Rollout Rollout, double Advantage)
{
    /// <summary>
    /// [T] the trainer's log-probabilities before the first update; null when the first update is the only one, so that they are the current ones.
    /// </summary>
    public float[]? Old { get; init; }

    /// <summary>[T] the reference's log-probabilities; null without a reference.</summary>
    public float[]? Reference { get; init; }

    /// <summary>Rows of rewarded groups with their advantages, those of a group next to each other; pure.</summary>
    /// <param name="groups">Of one step.</param>
    /// <param name="config">How advantages are made.</param>
    /// <param name="step">From 0; weights of rewards may depend on it.</param>
    public static IReadOnlyList<PolicyRow> Of(IReadOnlyList<RolloutGroup> groups, GrpoConfig config, long step)
    {
        var advantages = config.Advantages switch
        {
            { Gdpo: true } => ByReward(groups, config.Rewards, step),
            { Winners: true } => Advantages.Winners([.. groups.Select(g => g.Totals)]),
            var centred => Advantages.Of([.. groups.Select(g => g.Totals)], centred.Scale),
        };
        return [.. groups.SelectMany((group, p) => group.Rollouts.Select((rollout, g) => new PolicyRow(group.Prompt, rollout, advantages[p][g])))];
    }

    /// <summary>
    /// Completions of the same prompt with the same tokens as one, with the sum of their advantages: a loss that is proportional to the advantage has the same
    /// gradient, for less work. Pure.
    /// </summary>
    /// <param name="rows">Those of a prompt next to each other, and so they stay.</param>
    public static IReadOnlyList<PolicyRow> Merged(IReadOnlyList<PolicyRow> rows)
        => [.. rows.GroupBy(row => (row.Prompt.Number, Tokens: string.Join(' ', row.Rollout.Ids))).Select(
            alike => alike.First() with { Advantage = alike.Sum(row => row.Advantage) })];

    private static double[][] ByReward(IReadOnlyList<RolloutGroup> groups, RewardConfig config, long step)
    {
        var names = groups[0].Terms.Keys.ToList();
        var weights = config.Terms.ToDictionary(term => RewardTerm.Label(term.Name), term => term.At(step));
        return Advantages.Gdpo([.. names.Select(name => groups.Select(g => g.Terms[name]).ToArray())], [.. names.Select(name => weights[name])]);
    }
}

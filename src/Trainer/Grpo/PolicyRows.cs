using Vlm.Trainer.Config;

namespace Vlm.Trainer.Grpo;

/// <summary>From rewarded groups to rows to learn from; pure.</summary>
internal static class PolicyRows
{
    /// <summary>Rows with advantages, those of a group next to each other.</summary>
    /// <param name="groups">Of one step.</param>
    /// <param name="config">How advantages are made.</param>
    /// <param name="step">From 0; weights of rewards may depend on it.</param>
    public static IReadOnlyList<PolicyRow> Of(IReadOnlyList<RewardedGroup> groups, GrpoConfig config, long step)
    {
        var advantages = config.Advantages.Gdpo ? ByReward(groups, config.Rewards, step)
            : Advantages.Of([.. groups.Select(g => g.Totals)], config.Advantages.Scale);
        return [.. groups.SelectMany((group, p) => group.Group.Rollouts.Select((rollout, g) => new PolicyRow(group.Prompt, rollout, advantages[p][g])))];
    }

    private static double[][] ByReward(IReadOnlyList<RewardedGroup> groups, RewardConfig config, long step)
    {
        var names = groups[0].Terms.Keys.ToList();
        var weights = config.Terms.ToDictionary(term => RewardTerm.Label(term.Name), term => term.At(step));
        return Advantages.Gdpo([.. names.Select(name => groups.Select(g => g.Terms[name]).ToArray())], [.. names.Select(name => weights[name])]);
    }
}

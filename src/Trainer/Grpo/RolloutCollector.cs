using System.Diagnostics;
using Vlm.Trainer.Config;
using Vlm.Trainer.Data;

namespace Vlm.Trainer.Grpo;

/// <summary>A group with what it was rewarded for.</summary>
/// <param name="Prompt">What was asked.</param>
/// <param name="Group">The completions.</param>
/// <param name="Terms">[G] per reward, before weighting.</param>
/// <param name="Totals">[G] weighted sums.</param>
internal sealed record RewardedGroup(PolicyPrompt Prompt, RolloutGroup Group, IReadOnlyDictionary<string, double[]> Terms, double[] Totals);

/// <summary>What was sampled for one step.</summary>
/// <param name="All">Every group, in the order of sampling.</param>
/// <param name="Learned">Those that the step learns from.</param>
/// <param name="End">Why sampling ended.</param>
/// <param name="Rounds">Rounds of sampling.</param>
/// <param name="Took">Time in the sampler.</param>
internal sealed record CollectedRollouts(
    IReadOnlyList<RewardedGroup> All, IReadOnlyList<RewardedGroup> Learned, SamplingEnd End, int Rounds, TimeSpan Took)
{
    /// <summary>All completions.</summary>
    public IEnumerable<Rollout> Completions => All.SelectMany(group => group.Group.Rollouts);
}

/// <summary>Rounds of sampling and rewarding until a step has what it learns from; how many rounds is bounded by the configuration.</summary>
internal sealed class RolloutCollector(
    GrpoConfig config, RolloutSampler sampler, PromptSource source, BatchStream<IReadOnlyList<PolicyPrompt>> draws, long drawn)
{
    /// <summary>Draws taken since the run began, over all its restarts.</summary>
    public long Drawn { get; private set; } = drawn;

    /// <summary>Time that the trainer has waited for pictures.</summary>
    public TimeSpan Waited => draws.Waited;

    /// <summary>Samples for a step.</summary>
    /// <param name="step">From 0; enters the seed of every completion.</param>
    public CollectedRollouts Collect(long step)
    {
        var all = new List<RewardedGroup>();
        var (wanted, took) = (config.PromptsPerStep, TimeSpan.Zero);
        for (var round = 1; ; round++)
        {
            var prompts = Draw(wanted);
            var began = Stopwatch.GetTimestamp();
            var groups = sampler.Sample(prompts, step);
            took += Stopwatch.GetElapsedTime(began);
            all.AddRange(Rewarded(groups, step));
            switch (DynamicSampling.Decide([.. all.Select(g => g.Totals)], config.PromptsPerStep, round, config.DynamicSampling))
            {
                case SamplingDecision.Learn learn:
                    return new CollectedRollouts(all, [.. learn.Groups.Select(g => all[g])], learn.Reason, round, took);
                case SamplingDecision.SampleMore more:
                    wanted = more.Prompts;
                    break;
                default:
                    throw new UnreachableException();
            }
        }
    }

    /// <summary>At least so many prompts, twins side by side; pictures of equal size next to each other, so that the tower takes them together.</summary>
    private List<PolicyPrompt> Draw(int wanted)
    {
        var taken = new List<IReadOnlyList<PolicyPrompt>>();
        for (var prompts = 0; prompts < wanted; prompts += source.PerDraw, Drawn++) taken.Add(draws.Next());
        return [.. taken.OrderBy(d => d[0].Question.Patches!.Grid.Rows).ThenBy(d => d[0].Question.Patches!.Grid.Columns).SelectMany(d => d)];
    }

    private IEnumerable<RewardedGroup> Rewarded(IReadOnlyList<PromptGroup> groups, long step)
    {
        foreach (var pair in groups.Chunk(source.PerDraw))
        {
            var twins = pair.Length == 2 ? RolloutGroup.Pair(pair[0].Group, pair[1].Group) : (First: pair[0].Group, Second: pair[0].Group);
            for (var i = 0; i < pair.Length; i++)
            {
                var group = i == 0 ? twins.First : twins.Second;
                var terms = RewardTerms.Of(group, config.Rewards, step);
                yield return new RewardedGroup(pair[i].Prompt, group, terms, RewardTerms.Totals(terms, config.Rewards, step));
            }
        }
    }
}

using System.Diagnostics;
using Vlm.Trainer.Config;
using Vlm.Trainer.Data;

namespace Vlm.Trainer.Grpo;

/// <summary>What was sampled for one step.</summary>
/// <param name="All">Every group, in the order of sampling.</param>
/// <param name="Learned">Those that the step learns from.</param>
/// <param name="End">Why sampling ended.</param>
/// <param name="Rounds">Rounds of sampling.</param>
/// <param name="Took">Time in the sampler.</param>
internal sealed record CollectedRollouts(
    IReadOnlyList<RolloutGroup> All, IReadOnlyList<RolloutGroup> Learned, SamplingEnd End, int Rounds, TimeSpan Took)
{
    /// <summary>All completions.</summary>
    public IEnumerable<Rollout> Completions => All.SelectMany(group => group.Rollouts);
}

/// <summary>Rounds of sampling and rewarding until a step has what it learns from; how many rounds is bounded by the configuration.</summary>
internal sealed class RolloutCollector(
    GrpoConfig config, IRolloutSampler sampler, PromptSource source, BatchStream<IReadOnlyList<PolicyPrompt>> draws, GrpoState state)
{
    private readonly RevisitQueue _revisit = new(config.Revisit, (state.Revisit ?? []).Select(number => (number, source.At(number))));

    /// <summary>Draws taken since the run began, over all its restarts.</summary>
    public long Drawn { get; private set; } = state.Drawn;

    /// <summary>Numbers of the draws that are to be asked again, in order.</summary>
    public long[] Revisit => _revisit.Waiting;

    /// <summary>Time that the trainer has waited for pictures.</summary>
    public TimeSpan Waited => draws.Waited;

    /// <summary>Samples for a step.</summary>
    /// <param name="step">From 0; enters the seed of every completion.</param>
    public CollectedRollouts Collect(long step)
    {
        var all = new List<RolloutGroup>();
        var (wanted, took) = (config.PromptsPerStep, TimeSpan.Zero);
        for (var round = 1; ; round++)
        {
            var prompts = Draw(wanted, isFirst: round == 1);
            var began = Stopwatch.GetTimestamp();
            var groups = sampler.Sample(prompts, step);
            took += Stopwatch.GetElapsedTime(began);
            all.AddRange(Rewarded(groups, step));
            Keep(all.TakeLast(groups.Count));
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
    private List<PolicyPrompt> Draw(int wanted, bool isFirst)
    {
        var taken = new List<IReadOnlyList<PolicyPrompt>>();
        if (isFirst) taken.AddRange(_revisit.Take(wanted / source.PerDraw).Select(draw => draw.Prompts));
        for (var prompts = taken.Count * source.PerDraw; prompts < wanted; prompts += source.PerDraw, Drawn++) taken.Add(draws.Next());
        return [.. taken.OrderBy(d => d[0].Question.Patches!.Grid.Rows).ThenBy(d => d[0].Question.Patches!.Grid.Columns).SelectMany(d => d)];
    }

    /// <summary>Puts draws with signal into the queue.</summary>
    private void Keep(IEnumerable<RolloutGroup> groups)
    {
        foreach (var draw in groups.GroupBy(group => group.Prompt.Number / source.PerDraw).Where(draw => draw.Any(g => DynamicSampling.HasSignal(g.Totals))))
            _revisit.Keep(draw.Key, [.. draw.Select(group => group.Prompt)]);
    }

    private IEnumerable<RolloutGroup> Rewarded(IReadOnlyList<RolloutGroup> groups, long step)
    {
        var tied = source.PerDraw == 1
            ? groups
            : groups.Chunk(2).Select(pair => RolloutGroup.Pair(pair[0], pair[1])).SelectMany(pair => new[] { pair.First, pair.Second });
        return tied.Select(group =>
        {
            var terms = RewardTerms.Of(group, config.Rewards, step);
            return group with { Terms = terms, Totals = RewardTerms.Totals(terms, config.Rewards, step) };
        });
    }
}

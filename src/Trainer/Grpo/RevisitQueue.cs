using Vlm.Trainer.Config;

namespace Vlm.Trainer.Grpo;

/// <summary>
/// Draws that are worth another look: those whose completions were rewarded differently when they were asked last, first in, first out. So prompts that the
/// policy has not settled come more often than others, and the sampler's time goes where there is signal.
/// </summary>
/// <param name="config">How many wait at most, and their share of a step.</param>
/// <param name="draws">Those that waited when the run was stopped.</param>
internal sealed class RevisitQueue(RevisitConfig config, IEnumerable<(long Number, IReadOnlyList<PolicyPrompt> Prompts)> draws)
{
    private readonly Queue<(long Number, IReadOnlyList<PolicyPrompt> Prompts)> _waiting = new(draws);

    /// <summary>Numbers of the draws that wait, in order.</summary>
    public long[] Waiting => [.. _waiting.Select(draw => draw.Number)];

    /// <summary>Takes the draws that a step asks again.</summary>
    /// <param name="draws">Draws of the step.</param>
    public IReadOnlyList<(long Number, IReadOnlyList<PolicyPrompt> Prompts)> Take(int draws)
    {
        var most = (int)(config.Share * draws);
        var taken = new List<(long, IReadOnlyList<PolicyPrompt>)>();
        while (taken.Count < most && _waiting.TryDequeue(out var draw)) taken.Add(draw);
        return taken;
    }

    /// <summary>Keeps a draw that had signal; the oldest goes when there are too many.</summary>
    public void Keep(long number, IReadOnlyList<PolicyPrompt> prompts)
    {
        if (config.Share == 0) return;
        _waiting.Enqueue((number, prompts));
        while (_waiting.Count > config.Most) _waiting.Dequeue();
    }
}

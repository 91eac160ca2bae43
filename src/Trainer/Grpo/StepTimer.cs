using System.Diagnostics;

namespace Vlm.Trainer.Grpo;

/// <summary>Where the time of a step goes.</summary>
internal sealed class StepTimer
{
    private readonly long _began = Stopwatch.GetTimestamp();

    /// <summary>Seconds of the step so far, of sampling, and completions per second while sampling.</summary>
    public IEnumerable<KeyValuePair<string, double>> Of(CollectedRollouts rollouts, TimeSpan waited)
    {
        yield return new("time/step_s", Stopwatch.GetElapsedTime(_began).TotalSeconds);
        yield return new("time/sample_s", rollouts.Took.TotalSeconds);
        yield return new("time/waited_for_pictures_s", waited.TotalSeconds);
        yield return new("completions_per_s", rollouts.Completions.Count() / rollouts.Took.TotalSeconds);
    }
}

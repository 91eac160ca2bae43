using Vlm.Statistics;

namespace Vlm.Edge.Routing;

/// <summary>What an alarm of the audit does to the gate, beside ending its certificate.</summary>
internal enum OnAlarm
{
    /// <summary>Nothing: people decide.</summary>
    Report,

    /// <summary>The error that the threshold tolerates is halved, again at every further alarm; after the last step everything is escalated.</summary>
    RaiseThreshold,

    /// <summary>No answer is accepted any more.</summary>
    EscalateAll,
}

/// <summary>How accepted answers are audited.</summary>
internal sealed record DriftOptions
{
    /// <summary>Share in [0, 1] of accepted answers that the larger model checks; 0.01 by default. 0 turns the audit off.</summary>
    /// <remarks>To see a promise of 1 % broken takes some hundred audits: at this share some ten thousand answers.</remarks>
    public double Share { get; init; } = 0.01;

    /// <summary>The same for answers near the threshold, where errors are; at least <see cref="Share"/>; 0.05 by default.</summary>
    public double ShareNearThreshold { get; init; } = 0.05;

    /// <summary>
    /// Share in [0, 1) of the larger model's answers that are expected to be wrong: such disagreements are not the box's errors. 0.005 by default.
    /// </summary>
    public double ReferenceError { get; init; } = 0.005;

    /// <summary>How likely a false alarm may be, ever; above 0 and below 1; 0.01 by default.</summary>
    public double FalseAlarm { get; init; } = 0.01;

    public OnAlarm OnAlarm { get; init; } = OnAlarm.Report;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (Share is not (>= 0 and <= 1)) yield return $"share: expected 0 to 1, found {Share}";
        if (!(ShareNearThreshold >= Share && ShareNearThreshold <= 1))
            yield return $"share_near_threshold: expected share {Share} to 1, found {ShareNearThreshold}";
        if (ReferenceError is not (>= 0 and < 1)) yield return $"reference_error: expected 0 to below 1, found {ReferenceError}";
        if (FalseAlarm is not (> 0 and < 1)) yield return $"false_alarm: expected above 0 and below 1, found {FalseAlarm}";
    }
}

/// <summary>What the audit has found so far, as kept on disk.</summary>
/// <param name="Gate">Which gate it is about; with another gate everything starts from zero.</param>
/// <param name="Audits">Answers checked, those near the threshold included.</param>
/// <param name="Disagreements">How many of them the larger model answered otherwise.</param>
/// <param name="Test">The test since the last alarm: only audits that every accepted answer was as likely to get.</param>
/// <param name="Alarms">Alarms so far.</param>
/// <param name="LastAlarm">When the last one was, UTC.</param>
internal sealed record DriftState(string Gate, long Audits, long Disagreements, BettingTest Test, int Alarms, DateTimeOffset? LastAlarm);

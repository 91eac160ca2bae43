using System.Diagnostics;

namespace Vlm.Edge.Routing;

/// <summary>All that a decision depends on.</summary>
internal readonly record struct Situation
{
    public required RoutingMode Mode { get; init; }

    /// <summary>The local reply breaks a rule that no right reply breaks, or there is none.</summary>
    public required bool HasHardFailure { get; init; }

    /// <summary>The gate's confidence reaches the threshold in force; false without a gate.</summary>
    public required bool IsConfident { get; init; }

    /// <summary>The picture shows no decoder, and the configuration says that this is not worth a call.</summary>
    public bool IsWithoutDecoder { get; init; }

    /// <summary>What the budget would say to one more call.</summary>
    public required BudgetVerdict Budget { get; init; }

    public required Link Link { get; init; }

    /// <summary>Whether the time left is enough to ask anybody.</summary>
    public required bool HasTime { get; init; }

    /// <summary>Share in [0, 1] of accepted answers like this one that are checked.</summary>
    public required double AuditShare { get; init; }
}

/// <summary>The decision on one local answer. Pure: budget, clock and chance come as values.</summary>
internal static class Router
{
    /// <param name="situation">The answer, and the state of the world.</param>
    /// <param name="draw">A uniform draw in [0, 1) for the audit.</param>
    public static Decision Decide(in Situation situation, double draw)
    {
        var isAcceptable = situation is { IsConfident: true, HasHardFailure: false };
        return situation.Mode switch
        {
            RoutingMode.LocalOnly => isAcceptable ? new Decision.Accept() : new Decision.AnswerDegraded(DegradedReason.LocalOnly),
            RoutingMode.Escalate or RoutingMode.AnswerNow when !isAcceptable && situation.IsWithoutDecoder =>
                new Decision.AnswerDegraded(DegradedReason.NoDecoder),
            RoutingMode.Escalate => isAcceptable ? Accepted(situation, draw) : Ask(situation, Why(situation)),
            RoutingMode.AnswerNow => isAcceptable ? Accepted(situation, draw) : new Decision.AnswerDegraded(DegradedReason.Queued, Why(situation)),
            RoutingMode.EscalateAll => Ask(situation, EscalationReason.Always),
            _ => throw new UnreachableException(),
        };
    }

    // An audit may wait in the queue, so a broken link does not matter; it never takes from a spent budget.
    private static Decision Accepted(in Situation situation, double draw) =>
        draw < situation.AuditShare && situation.Budget == BudgetVerdict.Granted ? new Decision.AcceptAndAudit() : new Decision.Accept();

    private static Decision Ask(in Situation situation, EscalationReason why) => situation switch
    {
        { Budget: not BudgetVerdict.Granted } => new Decision.AnswerDegraded(DegradedReason.Budget, why),
        { Link: Link.Offline } => new Decision.AnswerDegraded(DegradedReason.Offline, why),
        { Link: Link.BreakerOpen } => new Decision.AnswerDegraded(DegradedReason.BreakerOpen, why),
        { HasTime: false } => new Decision.AnswerDegraded(DegradedReason.Deadline, why),
        _ => new Decision.Escalate(why),
    };

    private static EscalationReason Why(in Situation situation) => situation.HasHardFailure ? EscalationReason.HardFailure : EscalationReason.LowConfidence;
}

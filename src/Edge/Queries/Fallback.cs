using System.Diagnostics;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Queries;

/// <summary>The decision after a failed escalation. Pure.</summary>
internal static class Fallback
{
    /// <summary>What to do when the larger model was asked and gave no answer to use.</summary>
    /// <remarks>
    /// What failed for a passing reason is asked again in the background; a refusal or a bad answer would only be repeated, at the same price.
    /// </remarks>
    public static Decision.AnswerDegraded Decide(EscalationFailure failure, EscalationReason why) => failure switch
    {
        EscalationFailure.Offline => new(DegradedReason.Offline, why),
        EscalationFailure.Timeout => new(DegradedReason.Deadline, why),
        // Nobody waits for it any more.
        EscalationFailure.Cancelled => new(DegradedReason.Deadline),
        EscalationFailure.Overloaded or EscalationFailure.RetryBudget => new(DegradedReason.Overloaded, why),
        EscalationFailure.ServerError => new(DegradedReason.ServerError, why),
        EscalationFailure.Budget => new(DegradedReason.Budget, why),
        EscalationFailure.BreakerOpen => new(DegradedReason.BreakerOpen, why),
        EscalationFailure.Rejected or EscalationFailure.TooLarge => new(DegradedReason.Rejected),
        EscalationFailure.BadAnswer => new(DegradedReason.BadAnswer),
        _ => throw new UnreachableException(),
    };
}

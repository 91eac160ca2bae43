using Vlm.Edge.Escalations;

namespace Vlm.Edge.Queries;

/// <summary>What every call tells about the way to the larger model.</summary>
internal static class LinkAlarms
{
    /// <summary>Raises and ends the alarms about the way.</summary>
    public static void Take(EscalationResult result, Alarms alarms)
    {
        switch (result)
        {
            case EscalationResult.Answered:
                alarms.Clear(AlarmKind.LinkDown);
                alarms.Clear(AlarmKind.TurnedAway);
                break;
            case EscalationResult.Failed { IsTurnedAway: true } failed:
                alarms.Raise(AlarmKind.TurnedAway, $"The larger model's endpoint turns the box away; check its address, model and key: {failed.Detail}");
                if (failed.Status is not null) alarms.Clear(AlarmKind.LinkDown);
                break;
            case EscalationResult.Failed { Reason: EscalationFailure.Offline } failed:
                alarms.Raise(AlarmKind.LinkDown, $"The larger model's endpoint cannot be reached: {failed.Detail}");
                break;
            case EscalationResult.Failed { Status: not null }:
                // It answers, if only to refuse.
                alarms.Clear(AlarmKind.LinkDown);
                break;
        }
    }
}

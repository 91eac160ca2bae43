using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Queries;

/// <summary>Takes in what the larger model said behind: corrections for clients, audits for the watch over the gate.</summary>
internal sealed class Corrections(Settled settled, EventStream events, DriftMonitor? drift, EdgeMetrics metrics, Alarms alarms, TimeProvider clock)
{
    /// <summary>For the worker that drains the queue.</summary>
    public ValueTask TakeAsync(EscalationCompleted completed)
    {
        var escalation = completed.Escalation;
        switch (completed.Result)
        {
            case EscalationResult.Answered answered:
                Take(escalation, answered);
                break;
            case EscalationResult.Failed failed:
                metrics.CountCorrection(escalation.Reason, "failed");
                if (escalation.Reason != EscalationReason.Audit)
                    events.Publish(new EdgeEvent.NotCorrected(escalation.Id, $"{EscalationMeters.Label(failed.Reason)}: {failed.Detail}"));
                break;
        }
        return ValueTask.CompletedTask;
    }

    private void Take(Escalation escalation, EscalationResult.Answered answered)
    {
        var agrees = answered.Answer == escalation.LocalAnswer;
        metrics.CountCorrection(escalation.Reason, agrees ? "agrees" : "disagrees");
        if (escalation.Reason == EscalationReason.Audit) Audit(escalation, agrees);
        var correction = new Correction(answered.Answer, answered.Model, agrees, escalation.Reason, clock.GetUtcNow());
        settled.Correct(escalation.Id, correction);
        if (escalation.Reason != EscalationReason.Audit || !agrees) events.Publish(new EdgeEvent.Corrected(escalation.Id, correction));
    }

    private void Audit(Escalation escalation, bool agrees)
    {
        if (drift is null || !drift.Observe(!agrees, AuditDraw.Of(escalation.Id))) return;
        var state = drift.State;
        alarms.Raise(AlarmKind.Drift, $"The gate does not keep its promise: {state.Disagreements} of {state.Audits} audited answers were answered otherwise by the larger model. "
            + "The certificate is void until the package is calibrated on such pictures again.");
    }
}

using Vlm.Edge.Answers;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;
using Vlm.Text;

namespace Vlm.Edge.Queries;

/// <summary>Takes in what the larger model said in the background: corrections for clients, audits for the watch over the gate.</summary>
internal sealed class Corrections(AnswerMemory memory, EventStream events, DriftMonitor? drift, EdgeMetrics metrics, Alarms alarms)
{
    /// <summary>For the worker that drains the queue.</summary>
    public void Take(EscalationCompleted completed)
    {
        var escalation = completed.Escalation;
        switch (completed.Result)
        {
            case EscalationResult.Answered answered:
                Correct(escalation, answered, completed.At);
                break;
            case EscalationResult.Failed failed:
                var why = $"{failed.Reason.ToLabel()}: {failed.Detail}";
                metrics.CountCorrection(escalation.Reason, "failed");
                // The answer that an audit would have checked stands.
                if (escalation.Reason == EscalationReason.Audit) break;
                memory.Fail(escalation.Id, why);
                events.Publish(new EdgeEvent.NotCorrected(escalation.Id, why), escalation.AskedBy);
                break;
        }
    }

    /// <summary>Takes in what the queue did without having been asked.</summary>
    public void Take(QueueNews news)
    {
        switch (news)
        {
            case QueueNews.GivenUp(var entry, var reason, var detail):
                GiveUp(entry, $"{reason.ToLabel()}: {detail}");
                if (reason == QueueDrop.PictureLost)
                    alarms.Raise(AlarmKind.PicturesLost, "The pictures of questions that waited for the larger model are gone");
                break;
        }
    }

    private void GiveUp(QueueEntry entry, string why)
    {
        metrics.CountCorrection(entry.Reason, "failed");
        if (entry.Reason == EscalationReason.Audit) return;
        memory.Fail(entry.Id, why);
        events.Publish(new EdgeEvent.NotCorrected(entry.Id, why), entry.AskedBy);
    }

    private void Correct(Escalation escalation, EscalationResult.Answered answered, DateTimeOffset at)
    {
        var agrees = answered.Answer == escalation.LocalAnswer;
        metrics.CountCorrection(escalation.Reason, agrees ? "agrees" : "disagrees");
        if (escalation.Reason == EscalationReason.Audit) Audit(escalation, agrees);
        var correction = new Correction(answered.Answer, answered.Model, agrees, escalation.Reason, at);
        memory.Correct(escalation.Id, correction);
        if (escalation.Reason != EscalationReason.Audit || !agrees) events.Publish(new EdgeEvent.Corrected(escalation.Id, correction), escalation.AskedBy);
    }

    private void Audit(Escalation escalation, bool agrees)
    {
        if (drift is null || !drift.Observe(!agrees, AuditDraw.Draw(escalation.Id))) return;
        var state = drift.State;
        alarms.Raise(AlarmKind.Drift,
            $"The gate does not keep its promise: {state.Disagreements} of {state.Audits} audited answers were answered otherwise by the larger model. "
            + "The certificate is void until the package is calibrated on such pictures again");
    }
}

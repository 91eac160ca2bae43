using Vlm.Edge.Routing;

namespace Vlm.Edge.Queries;

/// <summary>What is known about earlier questions: answers to give again, questions that wait for the larger model, and what clients were told.</summary>
/// <remarks>Thread-safe, in memory, bounded.</remarks>
internal sealed class Settled(CacheOptions options, TimeProvider clock)
{
    private readonly SceneCache<Answer> _answers = new(options, clock);
    private readonly SceneCache<string> _pending = new(options, clock);
    private readonly AnswerStore _store = new();

    /// <summary>Answers that would be given again.</summary>
    public int Count => _answers.Count;

    /// <summary>An earlier answer to the same question that is worth giving again.</summary>
    public Answer? Find(Scene scene, string code) => _answers.Find(scene, code);

    /// <summary>The id under which the correction of the same question will come, if it waits already.</summary>
    public string? Pending(Scene scene, string code) => _pending.Find(scene, code) is { } id && Told(id)?.Correction is null ? id : null;

    /// <summary>What a client was told.</summary>
    public StoredAnswer? Told(string id) => _store.Find(id);

    /// <summary>Takes in an answer. Only certified ones and the larger model's are given again.</summary>
    public void Add(Answer answer, Scene scene, string code)
    {
        var isPending = answer.CorrectionId == answer.Id;
        var isAsked = isPending || answer is { By: AnsweredBy.Edge, EscalationReason: EscalationReason.Audit };
        var correction = _store.Add(answer, isAsked ? scene : null, code);
        if (isPending) _pending.Add(scene, code, answer.Id);
        if (correction is not null && isAsked) _answers.Add(scene, code, Corrected(answer.Id, correction));
        else if (answer is { Degraded: null, Text: not null } && (answer.IsCertified || answer.By == AnsweredBy.Escalation)) _answers.Add(scene, code, answer);
    }

    /// <summary>Takes in what the larger model said behind.</summary>
    public void Correct(string id, Correction correction)
    {
        if (_store.Correct(id, correction) is not var (scene, code)) return;
        _answers.Add(scene, code, Corrected(id, correction));
    }

    private static Answer Corrected(string id, Correction correction) =>
        new() { Id = id, Text = correction.Text, By = AnsweredBy.Escalation, EscalationReason = correction.Reason, Model = correction.Model };
}

using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;

namespace Vlm.Edge.Answers;

/// <summary>An answer that was given, and what came after.</summary>
/// <param name="Id">Of the question.</param>
/// <param name="Answer">Null after a restart: then only the correction is known.</param>
/// <param name="Correction">Null while there is none.</param>
/// <param name="Failure">Why no correction comes; null while one may come.</param>
internal sealed record StoredAnswer(string Id, Answer? Answer, Correction? Correction, string? Failure = null);

/// <summary>
/// What is known about earlier questions: answers to give again, questions that wait for the larger model, and what clients were told.
/// </summary>
/// <remarks>Thread-safe, in memory, bounded; the oldest goes first. What is still to be corrected lies in the durable queue, not here.</remarks>
internal sealed class AnswerMemory(CacheOptions options, TimeProvider clock)
{
    /// <summary>Answers kept for clients that ask for them: each may hold a thumbnail of 16 KB until it is corrected.</summary>
    public const int Most = 1000;

    private readonly Lock _lock = new();
    private readonly SceneCache<Answer> _again = new(options, clock);
    private readonly SceneCache<string> _pending = new(options, clock);
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly Queue<string> _oldestFirst = new();

    /// <summary>Answers that would be given again.</summary>
    public int Count => _again.Count;

    /// <summary>What a client was told; null when it is unknown or forgotten.</summary>
    public StoredAnswer? Find(string id)
    {
        lock (_lock) return _entries.GetValueOrDefault(id)?.Stored;
    }

    /// <summary>An earlier answer to the same question that is worth giving again.</summary>
    public Answer? FindSame(Scene scene, string code) => _again.Find(scene, code);

    /// <summary>The id under which the correction of the same question will come, if it waits already.</summary>
    public string? FindPending(Scene scene, string code) =>
        _pending.Find(scene, code) is { } id && Find(id) is not ({ Correction: not null } or { Failure: not null }) ? id : null;

    /// <summary>Takes in an answer. Only certified ones and the larger model's are given again.</summary>
    public void Add(Answer answer, Scene scene, string code)
    {
        var isPending = answer.CorrectionId == answer.Id;
        var isAsked = isPending || answer is { By: AnsweredBy.Edge, EscalationReason: EscalationReason.Audit };
        var correction = Keep(answer, isAsked ? scene : null, code);
        if (isPending) _pending.Add(scene, code, answer.Id);
        if (correction is not null && isAsked) _again.Add(scene, code, ToAnswer(answer.Id, correction));
        else if (answer is { Degraded: null, Text: not null } && (answer.IsCertified || answer.By == AnsweredBy.Escalation)) _again.Add(scene, code, answer);
    }

    /// <summary>Takes in what the larger model said in the background.</summary>
    public void Correct(string id, Correction correction)
    {
        Entry? before;
        lock (_lock)
        {
            before = _entries.GetValueOrDefault(id);
            Put(new Entry(new StoredAnswer(id, before?.Stored.Answer, correction), null, before?.Code ?? ""));
        }
        if (before?.Scene is { } scene) _again.Add(scene, before.Code, ToAnswer(id, correction));
    }

    /// <summary>Takes in that the larger model gave no answer. It may still come, when the question is sent again.</summary>
    public void Fail(string id, string reason)
    {
        lock (_lock)
        {
            var before = _entries.GetValueOrDefault(id);
            Put(new Entry(new StoredAnswer(id, before?.Stored.Answer, before?.Stored.Correction, reason), before?.Scene, before?.Code ?? ""));
        }
    }

    /// <param name="answer">What was told.</param>
    /// <param name="scene">What it was about, when a correction is on its way; else null.</param>
    /// <param name="code">The code.</param>
    /// <returns>The correction, if it was faster than the answer.</returns>
    private Correction? Keep(Answer answer, Scene? scene, string code)
    {
        lock (_lock)
        {
            // The larger model may have been faster.
            var before = _entries.GetValueOrDefault(answer.Id)?.Stored;
            Put(new Entry(new StoredAnswer(answer.Id, answer, before?.Correction, before?.Failure), before?.Correction is null ? scene : null, code));
            return before?.Correction;
        }
    }

    private void Put(Entry entry)
    {
        if (!_entries.ContainsKey(entry.Stored.Id))
        {
            if (_entries.Count >= Most) _entries.Remove(_oldestFirst.Dequeue());
            _oldestFirst.Enqueue(entry.Stored.Id);
        }
        _entries[entry.Stored.Id] = entry;
    }

    private static Answer ToAnswer(string id, Correction correction) =>
        new() { Id = id, Text = correction.Text, By = AnsweredBy.Escalation, EscalationReason = correction.Reason, Model = correction.Model };

    private sealed record Entry(StoredAnswer Stored, Scene? Scene, string Code);
}

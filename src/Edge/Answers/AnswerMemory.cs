using System.Text.Json;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Edge.Storage;

namespace Vlm.Edge.Answers;

/// <summary>An answer that was given, and what came after.</summary>
/// <param name="Id">Of the question.</param>
/// <param name="Answer">Null when it is forgotten: then only the correction is known.</param>
/// <param name="Correction">Null while there is none.</param>
/// <param name="Failure">Why no correction comes; null while one may come.</param>
internal sealed record StoredAnswer(string Id, Answer? Answer, Correction? Correction, string? Failure = null)
{
    /// <summary>What a person said last; null while nobody did.</summary>
    public Review? Review { get; init; }
}

/// <summary>
/// What is known about earlier questions: answers to give again, questions that wait for the larger model, and what clients were told.
/// </summary>
/// <remarks>
/// Thread-safe. What clients were told is in the history before they are told. What a picture showed is in memory alone, bounded, the oldest first: after a
/// restart nothing is given again until it was answered again. What is still to be corrected lies in the durable queue.
/// </remarks>
internal sealed class AnswerMemory(CacheOptions options, History history, TimeProvider clock, PictureShelf? pictures = null)
{
    /// <summary>Answers kept in memory: each may hold a thumbnail of 16 KB until it is corrected.</summary>
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
        StoredAnswer? remembered;
        lock (_lock) remembered = _entries.GetValueOrDefault(id)?.Stored;
        return Load(id) ?? remembered;
    }

    /// <summary>The picture that a question was about; null when it is not kept.</summary>
    public byte[]? FindPicture(string id) => history.Find(id)?.Picture is { } name ? pictures?.Find(name) : null;

    /// <summary>Keeps what a person said of an answer.</summary>
    /// <returns>False when there is no such answer.</returns>
    public bool Keep(string id, Review review)
    {
        if (history.Find(id) is null) return false;
        history.PutReview(id, JsonSerializer.Serialize(review, AnswerJson.Default.Review));
        return true;
    }

    /// <summary>An earlier answer to the same question that is worth giving again.</summary>
    public Answer? FindSame(Scene scene, string code) => _again.Find(scene, code);

    /// <summary>The id under which the correction of the same question will come, if it waits already.</summary>
    public string? FindPending(Scene scene, string code) =>
        _pending.Find(scene, code) is { } id && Find(id) is not ({ Correction: not null } or { Failure: not null }) ? id : null;

    /// <summary>Takes in an answer. Only certified ones and the larger model's are given again.</summary>
    public void Add(Answer answer, Scene scene, string code, byte[]? file = null)
    {
        var picture = file is not null && IsKept(answer) ? pictures!.Keep(file) : null;
        history.PutAnswer(answer.Id, JsonSerializer.Serialize(answer, AnswerJson.Default.Answer), code, picture);
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
        var kept = Load(id);
        history.PutCorrection(id, JsonSerializer.Serialize(correction, AnswerJson.Default.Correction));
        Entry? before;
        lock (_lock)
        {
            before = _entries.GetValueOrDefault(id);
            Put(new Entry(new StoredAnswer(id, before?.Stored.Answer ?? kept?.Answer, correction), null, before?.Code ?? ""));
        }
        if (before?.Scene is { } scene) _again.Add(scene, before.Code, ToAnswer(id, correction));
    }

    /// <summary>Takes in that the larger model gave no answer. It may still come, when the question is sent again.</summary>
    public void Fail(string id, string reason)
    {
        var kept = Load(id);
        history.PutFailure(id, reason);
        lock (_lock)
        {
            var before = _entries.GetValueOrDefault(id);
            Put(new Entry(new StoredAnswer(id, before?.Stored.Answer ?? kept?.Answer, before?.Stored.Correction, reason), before?.Scene, before?.Code ?? ""));
        }
    }

    private bool IsKept(Answer answer) => pictures?.Which switch
    {
        KeptPictures.All => true,
        KeptPictures.Doubtful => !answer.IsCertified || answer.EscalationReason is not null,
        _ => false,
    };

    /// <summary>What the history has; null when it has nothing that can be read.</summary>
    private StoredAnswer? Load(string id)
    {
        if (history.Find(id) is not { } row) return null;
        try
        {
            return new StoredAnswer(
                id,
                row.Answer is { } answer ? JsonSerializer.Deserialize(answer, AnswerJson.Default.Answer) : null,
                row.Correction is { } correction ? JsonSerializer.Deserialize(correction, AnswerJson.Default.Correction) : null,
                row.Correction is null ? row.Failure : null)
            {
                Review = row.Review is { } review ? JsonSerializer.Deserialize(review, AnswerJson.Default.Review) : null,
            };
        }
        catch (JsonException e)
        {
            history.Report($"What is kept of the answer '{id}' cannot be read: {e.Message}");
            return null;
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

using Vlm.Edge.Routing;

namespace Vlm.Edge.Queries;

/// <summary>An answer that was given, and what came after.</summary>
/// <param name="Id">Of the question.</param>
/// <param name="Answer">Null after a restart: then only the correction is known.</param>
/// <param name="Correction">Null while there is none.</param>
internal sealed record StoredAnswer(string Id, Answer? Answer, Correction? Correction);

/// <summary>The last answers, for clients that ask again, and for corrections.</summary>
/// <remarks>Thread-safe. In memory and bounded; the oldest goes first. What is still to be corrected lies in the durable queue, not here.</remarks>
internal sealed class AnswerStore
{
    /// <summary>Answers kept: each may hold a thumbnail of 16 KB until it is corrected.</summary>
    public const int Most = 1000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly Queue<string> _oldestFirst = new();

    public StoredAnswer? Find(string id)
    {
        lock (_lock) return _entries.TryGetValue(id, out var entry) ? entry.Stored : null;
    }

    /// <param name="answer">What was told.</param>
    /// <param name="scene">What it was about, when a correction is on its way; else null.</param>
    /// <param name="code">The code.</param>
    /// <returns>The correction, if it was faster than the answer.</returns>
    public Correction? Add(Answer answer, Scene? scene, string code)
    {
        lock (_lock)
        {
            var correction = _entries.GetValueOrDefault(answer.Id)?.Stored.Correction;
            Put(new Entry(new StoredAnswer(answer.Id, answer, correction), correction is null ? scene : null, code));
            return correction;
        }
    }

    /// <returns>The scene and code that the correction is about; null when they are not known any more.</returns>
    public (Scene Scene, string Code)? Correct(string id, Correction correction)
    {
        lock (_lock)
        {
            var entry = _entries.GetValueOrDefault(id);
            Put(new Entry(new StoredAnswer(id, entry?.Stored.Answer, correction), null, entry?.Code ?? ""));
            return entry?.Scene is { } scene ? (scene, entry.Code) : null;
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

    private sealed record Entry(StoredAnswer Stored, Scene? Scene, string Code);
}

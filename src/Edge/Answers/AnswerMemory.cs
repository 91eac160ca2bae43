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

    /// <summary>Name of the key that asked; empty where none was needed.</summary>
    public string AskedBy { get; init; } = "";
}

/// <summary>A question as it is remembered.</summary>
/// <param name="By">Name of the key that asked; empty where none was needed.</param>
/// <param name="Code">The coded message.</param>
/// <param name="File">The picture as it came; null when it is not to be kept.</param>
internal sealed record Asked(string By, string Code, byte[]? File = null);

/// <summary>An answer in the list of the last ones.</summary>
/// <param name="Stored">The answer and what came after.</param>
/// <param name="At">When it was given, UTC.</param>
/// <param name="Code">The coded message; null when it is not known.</param>
internal sealed record ListedAnswer(StoredAnswer Stored, DateTimeOffset At, string? Code);

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
    /// <exception cref="StorageException">It is not remembered here, and the database cannot be read.</exception>
    public StoredAnswer? Find(string id)
    {
        var remembered = Remembered(id);
        try
        {
            return (history.FindOrFail(id) is { } row ? Read(id, row) : null) ?? remembered;
        }
        catch (StorageException) when (remembered is not null)
        {
            return remembered;
        }
    }

    /// <summary>The picture that a question was about; null when it is not kept.</summary>
    /// <exception cref="StorageException">The database cannot be read.</exception>
    public byte[]? FindPicture(string id) => history.FindOrFail(id)?.Asked.Picture is { } name ? pictures?.Find(name) : null;

    /// <summary>The last answers that were given, the newest first.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="by">To which key; null for all.</param>
    public IReadOnlyList<ListedAnswer> Last(int most, string? by) => Listed(history.Last(most, by));

    /// <summary>The last answers whose picture is there and that nobody has reviewed, the newest first.</summary>
    public IReadOnlyList<ListedAnswer> Unreviewed(int most) =>
        Listed(history.Unreviewed(most).Where(entry => entry.Row.Asked.Picture is { } name && pictures?.Has(name) == true));

    /// <summary>Keeps what a person said of an answer.</summary>
    /// <returns>False when there is no such answer.</returns>
    /// <exception cref="StorageException">It cannot be kept.</exception>
    public bool Keep(string id, Review review)
    {
        if (history.FindOrFail(id) is null) return false;
        history.PutReview(id, JsonSerializer.Serialize(review, AnswerJson.Default.Review));
        return true;
    }

    /// <summary>An earlier answer to the same question that is worth giving again.</summary>
    public Answer? FindSame(Scene scene, string code) => _again.Find(scene, code);

    /// <summary>
    /// The id under which the correction of the same question will come, if it waits already. Another key's question is another one: its answer is not this
    /// one's to see.
    /// </summary>
    public string? FindPending(Scene scene, Asked asked) =>
        _pending.Find(scene, Pending(asked)) is { } id && (Load(id) ?? Remembered(id)) is not ({ Correction: not null } or { Failure: not null }) ? id : null;

    /// <summary>Takes in an answer. Only certified ones and the larger model's are given again.</summary>
    public void Add(Answer answer, Scene scene, Asked asked)
    {
        var picture = asked.File is not null && IsKept(answer) ? pictures!.Keep(asked.File) : null;
        history.PutAnswer(answer.Id, JsonSerializer.Serialize(answer, AnswerJson.Default.Answer), new AskedRow(asked.By, asked.Code, picture));
        var isPending = answer.CorrectionId == answer.Id;
        var isAsked = isPending || answer is { By: AnsweredBy.Edge, EscalationReason: EscalationReason.Audit };
        var correction = Keep(answer, isAsked ? scene : null, asked);
        if (isPending) _pending.Add(scene, Pending(asked), answer.Id);
        if (correction is not null && isAsked) _again.Add(scene, asked.Code, ToAnswer(answer.Id, correction));
        else if (answer is { Degraded: null, Text: not null } && (answer.IsCertified || answer.By == AnsweredBy.Escalation))
            _again.Add(scene, asked.Code, answer);
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
            Put(new Entry(new StoredAnswer(id, before?.Stored.Answer ?? kept?.Answer, correction) { AskedBy = By(before, kept) }, null, before?.Code ?? ""));
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
            var stored = new StoredAnswer(id, before?.Stored.Answer ?? kept?.Answer, before?.Stored.Correction, reason) { AskedBy = By(before, kept) };
            Put(new Entry(stored, before?.Scene, before?.Code ?? ""));
        }
    }

    private StoredAnswer? Remembered(string id)
    {
        lock (_lock) return _entries.GetValueOrDefault(id)?.Stored;
    }

    private static string Pending(Asked asked) => $"{asked.Code}\n{asked.By}";

    private static string By(Entry? before, StoredAnswer? kept) => before?.Stored.AskedBy ?? kept?.AskedBy ?? "";

    private bool IsKept(Answer answer) => pictures?.Which switch
    {
        KeptPictures.All => true,
        KeptPictures.Doubtful => !answer.IsCertified || answer.EscalationReason is not null,
        _ => false,
    };

    /// <summary>What the history has; null when it has nothing that can be read.</summary>
    private StoredAnswer? Load(string id) => history.Find(id) is { } row ? Read(id, row) : null;

    private IReadOnlyList<ListedAnswer> Listed(IEnumerable<HistoryEntry> entries) =>
    [
        .. from entry in entries
           let stored = Read(entry.Id, entry.Row)
           where stored is not null
           select new ListedAnswer(stored, entry.Created, entry.Row.Asked.Code),
    ];

    private StoredAnswer? Read(string id, HistoryRow row)
    {
        try
        {
            return new StoredAnswer(
                id,
                row.Answer is { } answer ? JsonSerializer.Deserialize(answer, AnswerJson.Default.Answer) : null,
                row.Correction is { } correction ? JsonSerializer.Deserialize(correction, AnswerJson.Default.Correction) : null,
                row.Correction is null ? row.Failure : null)
            {
                AskedBy = row.Asked.By,
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
    /// <param name="asked">The question.</param>
    /// <returns>The correction, if it was faster than the answer.</returns>
    private Correction? Keep(Answer answer, Scene? scene, Asked asked)
    {
        lock (_lock)
        {
            // The larger model may have been faster.
            var before = _entries.GetValueOrDefault(answer.Id)?.Stored;
            var stored = new StoredAnswer(answer.Id, answer, before?.Correction, before?.Failure) { AskedBy = asked.By };
            Put(new Entry(stored, before?.Correction is null ? scene : null, asked.Code));
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

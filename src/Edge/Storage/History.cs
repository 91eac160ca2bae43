using System.Data.Common;
using Vlm.Hosting;

namespace Vlm.Edge.Storage;

/// <summary>How long answers are kept.</summary>
internal sealed record HistoryOptions
{
    /// <summary>Days that an answer can be asked for; above 0, at most 3,650; 30 by default.</summary>
    public double Days { get; init; } = 30;

    /// <summary>Answers kept, about 1 KB each; 1 to 10,000,000; 100,000 by default. The oldest goes first.</summary>
    public int Answers { get; init; } = 100_000;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (Days is not (> 0 and <= 3650)) yield return $"days: expected above 0, at most 3650, found {Days}";
        foreach (var problem in Check.Ranges(("answers", Answers, 1, 10_000_000))) yield return problem;
    }
}

/// <summary>A question.</summary>
/// <param name="By">Name of the key that asked; empty where none was needed.</param>
/// <param name="Code">The coded message; null when it is not known.</param>
/// <param name="Picture">Name of the picture; null when it is not kept.</param>
internal sealed record AskedRow(string By, string? Code, string? Picture);

/// <summary>What is kept of a question; each part is JSON or null.</summary>
internal sealed record HistoryRow(string? Answer, string? Correction, string? Failure)
{
    /// <summary>The question itself, as far as it is known.</summary>
    public AskedRow Asked { get; init; } = new("", null, null);

    /// <summary>The last review.</summary>
    public string? Review { get; init; }
}

/// <summary>A question in the list of the last ones.</summary>
internal sealed record HistoryEntry(string Id, DateTimeOffset Created, HistoryRow Row);

/// <summary>Answers, what came after them, and events: rows of the database before anybody is told, so that they outlive a kill.</summary>
/// <remarks>
/// Thread-safe. What cannot be written is lost at the next start; that is told, and keeps the box from nothing. A power cut may take the last seconds with it:
/// waiting for the disk at every answer would cost more than they are worth.
/// </remarks>
internal sealed class History
{
    private const string Columns =
        "answer, correction, failure, code, picture, asked_by, (SELECT review FROM reviews WHERE reviews.id = questions.id ORDER BY number DESC LIMIT 1)";

    // Old rows go a few at a time: one great deletion would need much room in the log of a disk that may be full.
    private const int PruneEvery = 25, PruneAtOnce = 50, PrunesAtStart = 100, Events = 1000;

    private readonly BoxDatabase _box;
    private readonly HistoryOptions _options;
    private readonly TimeProvider _clock;
    private int _writes;

    /// <param name="box">Where the rows are.</param>
    /// <param name="options">How much is kept.</param>
    /// <param name="clock">For the age of answers.</param>
    /// <exception cref="StorageException">Another process has it open, or a later version wrote it.</exception>
    public History(BoxDatabase box, HistoryOptions options, TimeProvider clock)
    {
        (_box, _options, _clock) = (box, options, clock);
        for (var i = 0; i < PrunesAtStart && Prune() > 0; i++)
        {
            // The next ones.
        }
    }

    /// <summary>Keeps an answer, with the question that it answers.</summary>
    /// <param name="id">Of the question.</param>
    /// <param name="answer">JSON.</param>
    /// <param name="asked">The question itself.</param>
    public void PutAnswer(string id, string answer, AskedRow asked) => Write(DiskUse.Keep, file => file.Execute(
        """
        INSERT INTO questions(id, created, answer, asked_by, code, picture) VALUES($id, $now, $answer, $by, $code, $picture)
        ON CONFLICT(id) DO UPDATE SET answer = excluded.answer, asked_by = excluded.asked_by, code = excluded.code, picture = excluded.picture
        """,
        ("$id", id),
        ("$now", Now),
        ("$answer", answer),
        ("$by", asked.By),
        ("$code", asked.Code),
        ("$picture", asked.Picture)));

    /// <summary>Keeps what a person said of an answer; earlier reviews stay.</summary>
    /// <exception cref="StorageException">It is not kept: people do not say it twice unless they are told.</exception>
    public void PutReview(string id, string review) => _box.Use(DiskUse.Keep, file =>
    {
        _box.KeepReserve();
        return file.Execute(
            "INSERT INTO reviews(id, created, review) VALUES($id, $now, $review)", ("$id", id), ("$now", Now), ("$review", review));
    });

    /// <summary>Keeps the larger model's answer to a question.</summary>
    public void PutCorrection(string id, string correction) => Put("correction", id, correction);

    /// <summary>Keeps why there is no correction.</summary>
    public void PutFailure(string id, string failure) => Put("failure", id, failure);

    /// <summary>What is kept of a question; null when nothing is.</summary>
    public HistoryRow? Find(string id) => Try(DiskUse.Read, file => Row(file, id));

    /// <summary>The same for those who must know whether there is nothing or nothing can be read.</summary>
    /// <exception cref="StorageException">Nothing can be read.</exception>
    public HistoryRow? FindOrFail(string id) => _box.Use(DiskUse.Read, file => Row(file, id));

    /// <summary>The last questions that were answered, the newest first.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="by">Of which key; null for all.</param>
    public IReadOnlyList<HistoryEntry> Last(int most, string? by) => Entries(
        by is null ? "answer IS NOT NULL" : "answer IS NOT NULL AND asked_by = $by", most, by);

    /// <summary>The last questions with a picture that nobody has reviewed, the newest first.</summary>
    public IReadOnlyList<HistoryEntry> Unreviewed(int most) => Entries(
        "answer IS NOT NULL AND picture IS NOT NULL AND NOT EXISTS(SELECT 1 FROM reviews WHERE reviews.id = questions.id)", most, null);

    /// <summary>Keeps an event.</summary>
    /// <param name="number">Its place.</param>
    /// <param name="askedBy">Whose question it is about; null for what is nobody's.</param>
    /// <param name="happened">JSON.</param>
    public void AddEvent(long number, string? askedBy, string happened) => Try(DiskUse.Settle, file => file.Execute(
        "INSERT OR REPLACE INTO events(number, asked_by, happened) VALUES($number, $by, $happened)",
        ("$number", number),
        ("$by", askedBy),
        ("$happened", happened)));

    /// <summary>The last events, the oldest of them first.</summary>
    public IReadOnlyList<(long Number, string? AskedBy, string Happened)> LastEvents(int most) => Try(DiskUse.Read, file => file.Rows(
        "SELECT number, asked_by, happened FROM (SELECT * FROM events ORDER BY number DESC LIMIT $most) ORDER BY number",
        row => (row.GetInt64(0), Text(row, 1), row.GetString(2)),
        ("$most", most))) ?? [];

    /// <summary>Says that something that was kept cannot be understood.</summary>
    public void Report(string problem) => _box.Report(problem);

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static HistoryRow? Row(SqliteFile file, string id) =>
        file.Rows($"SELECT {Columns} FROM questions WHERE id = $id", row => Row(row), ("$id", id)).FirstOrDefault();

    private static HistoryRow Row(DbDataReader row, int from = 0) => new(Text(row, from), Text(row, from + 1), Text(row, from + 2))
    {
        Asked = new AskedRow(row.GetString(from + 5), Text(row, from + 3), Text(row, from + 4)),
        Review = Text(row, from + 6),
    };

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private List<HistoryEntry> Entries(string which, int most, string? by) => Try(DiskUse.Read, file => file.Rows(
        $"SELECT id, created, {Columns} FROM questions WHERE {which} ORDER BY number DESC LIMIT $most",
        row => new HistoryEntry(row.GetString(0), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1)), Row(row, from: 2)),
        ("$most", most),
        ("$by", by))) ?? [];

    private void Put(string column, string id, string value) => Write(DiskUse.Settle, file => file.Execute(
        $"INSERT INTO questions(id, created, {column}) VALUES($id, $now, $value) ON CONFLICT(id) DO UPDATE SET {column} = excluded.{column}",
        ("$id", id),
        ("$now", Now),
        ("$value", value)));

    private void Write(DiskUse use, Func<SqliteFile, int> write)
    {
        Try(use, file =>
        {
            if (use == DiskUse.Keep) _box.KeepReserve();
            return write(file);
        });
        if (Interlocked.Increment(ref _writes) % PruneEvery == 0) Prune();
    }

    /// <summary>Of the oldest rows those that are too old or too many.</summary>
    /// <returns>How many.</returns>
    private int Prune() => Try(DiskUse.Settle, file => file.Execute(
        """
        DELETE FROM questions WHERE number IN (SELECT number FROM questions ORDER BY number LIMIT $atonce)
          AND (created < $before OR number <= (SELECT MAX(number) FROM questions) - $most);
        DELETE FROM reviews WHERE number IN (SELECT number FROM reviews ORDER BY number LIMIT $atonce)
          AND (created < $before OR number <= (SELECT MAX(number) FROM reviews) - $most);
        DELETE FROM events WHERE number <= (SELECT MAX(number) FROM events) - $events;
        """,
        ("$before", (_clock.GetUtcNow() - TimeSpan.FromDays(_options.Days)).ToUnixTimeMilliseconds()),
        ("$most", _options.Answers),
        ("$atonce", PruneAtOnce),
        ("$events", Events)));

    /// <returns>Nothing when it failed: the database has told why.</returns>
    private T? Try<T>(DiskUse use, Func<SqliteFile, T> work)
    {
        try
        {
            return _box.Use(use, file =>
            {
                file.IsDurable = false;
                return work(file);
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException
            && e is not StorageException { Fault: StorageFault.Taken or StorageFault.Newer })
        {
            return default;
        }
    }
}

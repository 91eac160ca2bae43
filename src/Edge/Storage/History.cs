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

/// <summary>What is kept of a question; each part is JSON or null.</summary>
internal sealed record HistoryRow(string? Answer, string? Correction, string? Failure)
{
    /// <summary>The coded message.</summary>
    public string? Code { get; init; }

    /// <summary>Name of the picture; null when it is not kept.</summary>
    public string? Picture { get; init; }

    /// <summary>The last review.</summary>
    public string? Review { get; init; }
}

/// <summary>Who hears what goes wrong with the history. Called on other threads: an alarm is an event, and events are kept here.</summary>
/// <param name="Trouble">Something cannot be read or written.</param>
/// <param name="Full">The disk has no room.</param>
/// <param name="Fine">After trouble it can be written again.</param>
internal sealed record HistoryListener(Action<string> Trouble, Action<string> Full, Action Fine);

/// <summary>Answers, what came after them, and events, on the disk before anybody is told: they outlive a kill.</summary>
/// <remarks>
/// Thread-safe. A damaged file is put aside and a new one begun; what cannot be written is lost at the next start. Both are reported, neither keeps the box
/// from
/// answering. A power cut may take the last seconds with it: waiting for the disk at every answer would cost more than they are worth.
/// </remarks>
internal sealed class History : IDisposable
{
    private const string SetUp = """
        PRAGMA synchronous=NORMAL;
        CREATE TABLE IF NOT EXISTS answers(
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL UNIQUE,
          created INTEGER NOT NULL,
          answer TEXT,
          correction TEXT,
          failure TEXT) STRICT;
        CREATE TABLE IF NOT EXISTS reviews(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, created INTEGER NOT NULL, review TEXT NOT NULL) STRICT;
        CREATE INDEX IF NOT EXISTS reviews_by_id ON reviews(id);
        CREATE TABLE IF NOT EXISTS events(number INTEGER PRIMARY KEY, happened TEXT NOT NULL) STRICT;
        """;

    private const string Damaged = ".damaged";
    private const int PruneEvery = 500, Events = 1000;

    // What files of earlier versions lack.
    private static readonly string[] Added = ["code TEXT", "picture TEXT"];

    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly HistoryOptions _options;
    private readonly TimeProvider _clock;
    private readonly List<Action<HistoryListener>> _unheard = [];
    private HistoryListener? _listener;
    private bool _isTroubled;
    private SqliteFile? _file;
    private int _writes;

    /// <summary>Opens or creates it in a folder.</summary>
    /// <param name="folder">Made when absent.</param>
    /// <param name="options">How much is kept.</param>
    /// <param name="clock">For the age of answers.</param>
    /// <exception cref="StorageException">Another process has it open.</exception>
    public History(string folder, HistoryOptions options, TimeProvider clock)
    {
        (_path, _options, _clock) = (Path.Combine(folder, "answers.db"), options, clock);
        Try(file => Prune(file));
    }

    /// <summary>Names who hears what goes wrong, also what went wrong before.</summary>
    public void Watch(HistoryListener listener)
    {
        lock (_lock)
        {
            _listener = listener;
            foreach (var said in _unheard) Say(said);
            _unheard.Clear();
        }
    }

    /// <summary>Files that were damaged and put aside, and lie there still.</summary>
    public IReadOnlyList<string> PutAsideFiles() => File.Exists(_path + Damaged) ? [_path + Damaged] : [];

    /// <summary>Keeps an answer, with the question that it answers.</summary>
    /// <param name="id">Of the question.</param>
    /// <param name="answer">JSON.</param>
    /// <param name="code">The coded message.</param>
    /// <param name="picture">Name of the picture; null when it is not kept.</param>
    public void PutAnswer(string id, string answer, string? code = null, string? picture = null) => Write(file => file.Execute(
        """
        INSERT INTO answers(id, created, answer, code, picture) VALUES($id, $now, $answer, $code, $picture)
        ON CONFLICT(id) DO UPDATE SET answer = excluded.answer, code = excluded.code, picture = excluded.picture
        """,
        ("$id", id),
        ("$now", Now),
        ("$answer", answer),
        ("$code", code),
        ("$picture", picture)));

    /// <summary>Keeps what a person said of an answer; earlier reviews stay.</summary>
    public void PutReview(string id, string review) => Write(file => file.Execute(
        "INSERT INTO reviews(id, created, review) VALUES($id, $now, $review)", ("$id", id), ("$now", Now), ("$review", review)));

    /// <summary>Keeps the larger model's answer to a question.</summary>
    public void PutCorrection(string id, string correction) => Put("correction", id, correction);

    /// <summary>Keeps why there is no correction.</summary>
    public void PutFailure(string id, string failure) => Put("failure", id, failure);

    /// <summary>What is kept of a question; null when nothing is.</summary>
    public HistoryRow? Find(string id) => Try(file => file.Rows(
        """
        SELECT answer, correction, failure, code, picture, (SELECT review FROM reviews WHERE reviews.id = $id ORDER BY number DESC LIMIT 1)
        FROM answers WHERE id = $id
        """,
        row => new HistoryRow(Text(row, 0), Text(row, 1), Text(row, 2)) { Code = Text(row, 3), Picture = Text(row, 4), Review = Text(row, 5) },
        ("$id", id)).FirstOrDefault());

    /// <summary>Keeps an event.</summary>
    public void AddEvent(long number, string happened) => Try(file =>
        file.Execute("INSERT OR REPLACE INTO events(number, happened) VALUES($number, $happened)", ("$number", number), ("$happened", happened)));

    /// <summary>The last events, the oldest of them first.</summary>
    public IReadOnlyList<(long Number, string Happened)> LastEvents(int most) => Try(file => file.Rows(
        "SELECT number, happened FROM (SELECT * FROM events ORDER BY number DESC LIMIT $most) ORDER BY number",
        row => (row.GetInt64(0), row.GetString(1)),
        ("$most", most))) ?? [];

    /// <summary>Says that something that was kept cannot be understood.</summary>
    public void Report(string problem)
    {
        lock (_lock) Say(listener => listener.Trouble(problem));
    }

    private void Say(Action<HistoryListener> said)
    {
        if (_listener is { } listener) _ = Task.Run(() => said(listener));
        else _unheard.Add(said);
    }

    public void Dispose()
    {
        lock (_lock) _file?.Dispose();
    }

    private static string? Text(System.Data.Common.DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private void Put(string column, string id, string value) => Write(file => file.Execute(
        $"INSERT INTO answers(id, created, {column}) VALUES($id, $now, $value) ON CONFLICT(id) DO UPDATE SET {column} = excluded.{column}",
        ("$id", id),
        ("$now", Now),
        ("$value", value)));

    private void Write(Func<SqliteFile, int> write) => Try(file =>
    {
        write(file);
        if (_isTroubled)
        {
            _isTroubled = false;
            Say(listener => listener.Fine());
        }
        return ++_writes % PruneEvery == 0 ? Prune(file) : 0;
    });

    private int Prune(SqliteFile file) => file.Execute(
        """
        DELETE FROM answers WHERE created < $before OR number <= (SELECT MAX(number) FROM answers) - $most;
        DELETE FROM reviews WHERE created < $before OR number <= (SELECT MAX(number) FROM reviews) - $most;
        DELETE FROM events WHERE number <= (SELECT MAX(number) FROM events) - $events;
        """,
        ("$before", (_clock.GetUtcNow() - TimeSpan.FromDays(_options.Days)).ToUnixTimeMilliseconds()),
        ("$most", _options.Answers),
        ("$events", Events));

    /// <summary>Works on the file; once more with a new one when it turns out to be damaged.</summary>
    /// <returns>Nothing when that failed: it was reported.</returns>
    private T? Try<T>(Func<SqliteFile, T> work)
    {
        lock (_lock)
        {
            try
            {
                return Opened(work);
            }
            catch (StorageException e) when (e.Fault == StorageFault.Damaged)
            {
                Report($"{e.Message}. It is kept as '{_path + Damaged}', and earlier answers are forgotten.");
                return AfterPuttingAside(work);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException && e is not StorageException { Fault: StorageFault.Taken })
            {
                Fail(e, $"'{_path}' cannot be used, so a restart would forget answers: {e.Message}");
                return default;
            }
        }
    }

    private void Fail(Exception error, string problem)
    {
        _isTroubled = true;
        if (error is StorageException { Fault: StorageFault.Full }) Say(listener => listener.Full(problem));
        else Say(listener => listener.Trouble(problem));
    }

    private T Opened<T>(Func<SqliteFile, T> work)
    {
        if (_file is null)
        {
            PrivateFiles.MakeFolder(Path.GetDirectoryName(Path.GetFullPath(_path))!);
            _file = new SqliteFile(_path, "the answers", SetUp);
            _file.AddColumns("answers", Added);
        }
        return work(_file);
    }

    private T? AfterPuttingAside<T>(Func<SqliteFile, T> work)
    {
        try
        {
            _file?.Dispose();
            _file = null;
            File.Move(_path, _path + Damaged, overwrite: true);
            foreach (var rest in (string[])["-wal", "-shm"]) File.Delete(_path + rest);
            return Opened(work);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e, $"'{_path}' cannot be replaced, so a restart would forget answers: {e.Message}");
            return default;
        }
    }
}

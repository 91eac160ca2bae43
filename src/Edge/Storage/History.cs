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
internal sealed record HistoryRow(string? Answer, string? Correction, string? Failure);

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
        CREATE TABLE IF NOT EXISTS events(number INTEGER PRIMARY KEY, happened TEXT NOT NULL) STRICT;
        """;

    private const int PruneEvery = 500, Events = 1000;

    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly HistoryOptions _options;
    private readonly TimeProvider _clock;
    private readonly List<string> _unheard = [];
    private Action<string>? _alarm;
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
    /// <param name="alarm">Called on another thread: an alarm is an event, and events are kept here.</param>
    public void Watch(Action<string> alarm)
    {
        lock (_lock)
        {
            _alarm = alarm;
            foreach (var problem in _unheard) Report(problem);
            _unheard.Clear();
        }
    }

    /// <summary>Keeps an answer.</summary>
    public void PutAnswer(string id, string answer) => Put("answer", id, answer);

    /// <summary>Keeps the larger model's answer to a question.</summary>
    public void PutCorrection(string id, string correction) => Put("correction", id, correction);

    /// <summary>Keeps why there is no correction.</summary>
    public void PutFailure(string id, string failure) => Put("failure", id, failure);

    /// <summary>What is kept of a question; null when nothing is.</summary>
    public HistoryRow? Find(string id) => Try(file => file.Rows(
        "SELECT answer, correction, failure FROM answers WHERE id = $id",
        row => new HistoryRow(Text(row, 0), Text(row, 1), Text(row, 2)),
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
        lock (_lock)
        {
            if (_alarm is { } alarm) _ = Task.Run(() => alarm(problem));
            else _unheard.Add(problem);
        }
    }

    public void Dispose()
    {
        lock (_lock) _file?.Dispose();
    }

    private static string? Text(System.Data.Common.DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private void Put(string column, string id, string value) => Try(file =>
    {
        file.Execute(
            $"INSERT INTO answers(id, created, {column}) VALUES($id, $now, $value) ON CONFLICT(id) DO UPDATE SET {column} = excluded.{column}",
            ("$id", id),
            ("$now", _clock.GetUtcNow().ToUnixTimeMilliseconds()),
            ("$value", value));
        return ++_writes % PruneEvery == 0 ? Prune(file) : 0;
    });

    private int Prune(SqliteFile file) => file.Execute(
        """
        DELETE FROM answers WHERE created < $before OR number <= (SELECT MAX(number) FROM answers) - $most;
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
                Report($"{e.Message}. It is kept as '{_path}.damaged', and earlier answers are forgotten.");
                return AfterPuttingAside(work);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException && e is not StorageException { Fault: StorageFault.Taken })
            {
                Report($"'{_path}' cannot be used, so a restart would forget answers: {e.Message}");
                return default;
            }
        }
    }

    private T Opened<T>(Func<SqliteFile, T> work)
    {
        if (_file is null)
        {
            PrivateFiles.MakeFolder(Path.GetDirectoryName(Path.GetFullPath(_path))!);
            _file = new SqliteFile(_path, "the answers", SetUp);
        }
        return work(_file);
    }

    private T? AfterPuttingAside<T>(Func<SqliteFile, T> work)
    {
        try
        {
            _file?.Dispose();
            _file = null;
            File.Move(_path, _path + ".damaged", overwrite: true);
            foreach (var rest in (string[])["-wal", "-shm"]) File.Delete(_path + rest);
            return Opened(work);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Report($"'{_path}' cannot be replaced, so a restart would forget answers: {e.Message}");
            return default;
        }
    }
}

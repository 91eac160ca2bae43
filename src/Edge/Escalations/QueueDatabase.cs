using System.Data.Common;
using Vlm.Edge.Routing;
using Vlm.Edge.Storage;

namespace Vlm.Edge.Escalations;

/// <summary>An entry of the queue, without its picture.</summary>
internal sealed record QueueEntry(
    string Id, string Picture, long Bytes, string Code, DateTimeOffset Created, string? LocalAnswer, EscalationReason Reason, int Attempts);

/// <summary>The queue's SQLite file: write-ahead log, every commit on the disk, one process. Not thread-safe; <see cref="EscalationQueue"/> locks.</summary>
internal sealed class QueueDatabase : IDisposable
{
    // The log goes back to its beginning after 50 pages, so that draining a queue on a full disk needs little room: see Reserve. The file is this process's
    // alone,
    // so nobody holds a lease any more; and a clock that was wrong must not keep anything waiting.
    private const string SetUp = """
        PRAGMA synchronous=FULL;
        PRAGMA wal_autocheckpoint=50;
        CREATE TABLE IF NOT EXISTS escalations(
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL UNIQUE,
          picture TEXT NOT NULL,
          bytes INTEGER NOT NULL,
          code TEXT NOT NULL,
          created INTEGER NOT NULL,
          local_answer TEXT,
          reason TEXT NOT NULL,
          attempts INTEGER NOT NULL DEFAULT 0,
          leased_until INTEGER NOT NULL DEFAULT 0,
          not_before INTEGER NOT NULL DEFAULT 0,
          dead_reason TEXT,
          dead_detail TEXT) STRICT;
        CREATE INDEX IF NOT EXISTS by_picture ON escalations(picture);
        UPDATE escalations SET leased_until = 0, not_before = 0 WHERE leased_until <> 0 OR not_before <> 0;
        """;

    private const string Columns = "id, picture, bytes, code, created, local_answer, reason, attempts";

    private readonly SqliteFile _file;

    /// <summary>Opens or creates the file.</summary>
    /// <exception cref="StorageException">Damaged, locked by another process, or not to be written.</exception>
    public QueueDatabase(string path) => _file = new SqliteFile(path, "the queue", SetUp);

    public bool Contains(string id) => _file.Scalar("SELECT 1 FROM escalations WHERE id = $id", ("$id", id)) is not null;

    public void Insert(QueueEntry entry) => _file.Execute(
        "INSERT INTO escalations(id, picture, bytes, code, created, local_answer, reason) VALUES($id, $picture, $bytes, $code, $created, $local, $reason)",
        ("$id", entry.Id),
        ("$picture", entry.Picture),
        ("$bytes", entry.Bytes),
        ("$code", entry.Code),
        ("$created", entry.Created.ToUnixTimeMilliseconds()),
        ("$local", entry.LocalAnswer),
        ("$reason", entry.Reason.ToString()));

    public void Delete(string id) => _file.Execute("DELETE FROM escalations WHERE id = $id", ("$id", id));

    public QueueEntry? Find(string id) => Entries($"SELECT {Columns} FROM escalations WHERE id = $id", ("$id", id)).FirstOrDefault();

    /// <summary>Entries that may be worked on now, in the order to send them.</summary>
    public List<QueueEntry> Ready(DateTimeOffset now, DrainOrder order, int most) => Entries(
        $"""
         SELECT {Columns} FROM escalations WHERE dead_reason IS NULL AND leased_until <= $now AND not_before <= $now
         ORDER BY number {(order == DrainOrder.OldestFirst ? "ASC" : "DESC")} LIMIT $most
         """,
        ("$now", now.ToUnixTimeMilliseconds()),
        ("$most", most));

    /// <summary>Entries created before a time that nobody works on.</summary>
    public List<QueueEntry> Expired(DateTimeOffset createdBefore, DateTimeOffset now) => Entries(
        $"SELECT {Columns} FROM escalations WHERE created < $before AND leased_until <= $now LIMIT 1000",
        ("$before", createdBefore.ToUnixTimeMilliseconds()),
        ("$now", now.ToUnixTimeMilliseconds()));

    /// <summary>The entry to give up first: dead letters, then the oldest that nobody works on.</summary>
    public QueueEntry? LeastWorth(DateTimeOffset now) => Entries(
        $"SELECT {Columns} FROM escalations WHERE leased_until <= $now ORDER BY dead_reason IS NULL, number LIMIT 1",
        ("$now", now.ToUnixTimeMilliseconds())).FirstOrDefault();

    public List<DeadLetter> Dead(int most) => _file.Rows(
        "SELECT " + Columns + ", dead_reason, dead_detail FROM escalations WHERE dead_reason IS NOT NULL ORDER BY number LIMIT $most",
        reader => new DeadLetter(Entry(reader), reader.GetString(8), reader.GetString(9)),
        ("$most", most));

    public void Lease(string id, DateTimeOffset until) =>
        _file.Execute("UPDATE escalations SET leased_until = $until WHERE id = $id", ("$id", id), ("$until", until.ToUnixTimeMilliseconds()));

    public void Release(string id, DateTimeOffset notBefore, int attempts) => _file.Execute(
        "UPDATE escalations SET leased_until = 0, not_before = $not, attempts = attempts + $attempts WHERE id = $id",
        ("$id", id),
        ("$not", notBefore.ToUnixTimeMilliseconds()),
        ("$attempts", attempts));

    public void Bury(string id, string reason, string detail) => _file.Execute(
        "UPDATE escalations SET leased_until = 0, dead_reason = $reason, dead_detail = $detail WHERE id = $id",
        ("$id", id),
        ("$reason", reason),
        ("$detail", detail));

    /// <summary>Queues dead letters again, from the first attempt on.</summary>
    /// <param name="id">Which one; null for all.</param>
    /// <returns>How many.</returns>
    public int Revive(string? id) => _file.Execute(
        """
        UPDATE escalations SET dead_reason = NULL, dead_detail = NULL, attempts = 0, not_before = 0
        WHERE dead_reason IS NOT NULL AND ($id IS NULL OR id = $id)
        """,
        ("$id", id));

    /// <summary>Ids of dead letters: one, if it is dead, or all.</summary>
    public List<string> DeadIds(string? id) =>
        _file.Rows(
        "SELECT id FROM escalations WHERE dead_reason IS NOT NULL AND ($id IS NULL OR id = $id) ORDER BY number",
        reader => reader.GetString(0),
        ("$id", id));

    /// <summary>Bytes of the pictures, each counted once.</summary>
    public long PictureBytes() => (long)_file.Scalar("SELECT COALESCE(SUM(bytes), 0) FROM (SELECT DISTINCT picture, bytes FROM escalations)")!;

    public bool HasPicture(string picture) => _file.Scalar("SELECT 1 FROM escalations WHERE picture = $picture LIMIT 1", ("$picture", picture)) is not null;

    public HashSet<string> Pictures() => [.. _file.Rows("SELECT DISTINCT picture FROM escalations", reader => reader.GetString(0))];

    public (int Waiting, int Dead, DateTimeOffset? Oldest) Counts() => _file.Rows(
        """
        SELECT COALESCE(SUM(dead_reason IS NULL), 0), COALESCE(SUM(dead_reason IS NOT NULL), 0), MIN(CASE WHEN dead_reason IS NULL THEN created END)
        FROM escalations
        """,
        reader => (reader.GetInt32(0), reader.GetInt32(1), ToTime(reader, 2)))[0];

    public void Dispose() => _file.Dispose();

    private List<QueueEntry> Entries(string sql, params ReadOnlySpan<(string Name, object? Value)> values) => _file.Rows(sql, Entry, values);

    private static DateTimeOffset? ToTime(DbDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column));

    private static QueueEntry Entry(DbDataReader reader) => new(
        reader.GetString(0),
        reader.GetString(1),
        reader.GetInt64(2),
        reader.GetString(3),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(4)),
        reader.IsDBNull(5) ? null : reader.GetString(5),
        Enum.Parse<EscalationReason>(reader.GetString(6)),
        reader.GetInt32(7));
}

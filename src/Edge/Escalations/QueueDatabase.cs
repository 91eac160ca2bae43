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
    // alone, so nobody holds a lease any more. Leases are milliseconds since the boot, and so is the stamp of an entry: what the wall clock says is
    // evidence of its age only from another boot, and only where it was believed then and is now.
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
          not_before INTEGER NOT NULL DEFAULT 0, -- of earlier versions
          dead_reason TEXT,
          dead_detail TEXT,
          boot TEXT NOT NULL DEFAULT '',
          stamp INTEGER NOT NULL DEFAULT 0,
          is_dated INTEGER NOT NULL DEFAULT 1) STRICT;
        CREATE INDEX IF NOT EXISTS by_picture ON escalations(picture);
        UPDATE escalations SET leased_until = 0 WHERE leased_until <> 0;
        """;

    private const string Columns = "id, picture, bytes, code, created, local_answer, reason, attempts";

    // Of entries that files of earlier versions hold, what the table of a new file has besides.
    private static readonly string[] Added = ["boot TEXT NOT NULL DEFAULT ''", "stamp INTEGER NOT NULL DEFAULT 0", "is_dated INTEGER NOT NULL DEFAULT 1"];

    private readonly SqliteFile _file;
    private readonly BootClock _clock;
    private readonly long _opened;

    /// <summary>Opens or creates the file.</summary>
    /// <exception cref="StorageException">Damaged, locked by another process, or not to be written.</exception>
    public QueueDatabase(string path, BootClock clock)
    {
        (_file, _clock, _opened) = (new SqliteFile(path, "the queue", SetUp), clock, clock.Now);
        try
        {
            _file.AddColumns("escalations", Added);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public bool Contains(string id) => _file.Scalar("SELECT 1 FROM escalations WHERE id = $id", ("$id", id)) is not null;

    public void Insert(QueueEntry entry) => _file.Execute(
        """
        INSERT INTO escalations(id, picture, bytes, code, created, local_answer, reason, boot, stamp, is_dated)
        VALUES($id, $picture, $bytes, $code, $created, $local, $reason, $boot, $stamp, $dated)
        """,
        ("$id", entry.Id),
        ("$picture", entry.Picture),
        ("$bytes", entry.Bytes),
        ("$code", entry.Code),
        ("$created", entry.Created.ToUnixTimeMilliseconds()),
        ("$local", entry.LocalAnswer),
        ("$reason", entry.Reason.ToString()),
        ("$boot", _clock.Boot),
        ("$stamp", _clock.Now),
        ("$dated", _clock.IsWallKnown ? 1 : 0));

    public void Delete(string id) => _file.Execute("DELETE FROM escalations WHERE id = $id", ("$id", id));

    public QueueEntry? Find(string id) => Entries($"SELECT {Columns} FROM escalations WHERE id = $id", ("$id", id)).FirstOrDefault();

    /// <summary>Entries that may be worked on now, in the order to send them.</summary>
    public List<QueueEntry> Ready(DrainOrder order, int most) => Entries(
        $"""
         SELECT {Columns} FROM escalations WHERE dead_reason IS NULL AND leased_until <= $now
         ORDER BY number {(order == DrainOrder.OldestFirst ? "ASC" : "DESC")} LIMIT $most
         """,
        ("$now", _clock.Now),
        ("$most", most));

    /// <summary>Entries above an age that nobody works on.</summary>
    /// <param name="age">Their age at least.</param>
    /// <param name="areDead">Whether dead letters are meant, or those that wait.</param>
    public List<QueueEntry> Older(TimeSpan age, bool areDead) => Entries(
        $"""
         SELECT {Columns} FROM escalations WHERE leased_until <= $now AND (dead_reason IS NOT NULL) = $dead AND CASE
           WHEN boot = $boot THEN stamp < $now - $age
           WHEN is_dated AND $known THEN created < $wall - $age
           ELSE $opened < $now - $age END
         LIMIT 1000
         """,
        ("$now", _clock.Now),
        ("$age", (long)age.TotalMilliseconds),
        ("$dead", areDead ? 1 : 0),
        ("$boot", _clock.Boot),
        ("$known", _clock.IsWallKnown ? 1 : 0),
        ("$wall", _clock.Wall.ToUnixTimeMilliseconds()),
        ("$opened", _opened));

    /// <summary>The entry to give up first: dead letters, then the oldest that nobody works on.</summary>
    public QueueEntry? LeastWorth() => Entries(
        $"SELECT {Columns} FROM escalations WHERE leased_until <= $now ORDER BY dead_reason IS NULL, number LIMIT 1", ("$now", _clock.Now)).FirstOrDefault();

    public List<DeadLetter> Dead(int most) => _file.Rows(
        "SELECT " + Columns + ", dead_reason, dead_detail FROM escalations WHERE dead_reason IS NOT NULL ORDER BY number LIMIT $most",
        reader => new DeadLetter(Entry(reader), reader.GetString(8), reader.GetString(9)),
        ("$most", most));

    public void Lease(string id, TimeSpan time) =>
        _file.Execute("UPDATE escalations SET leased_until = $until WHERE id = $id", ("$id", id), ("$until", _clock.Now + (long)time.TotalMilliseconds));

    public void Release(string id, int attempts) =>
        _file.Execute("UPDATE escalations SET leased_until = 0, attempts = attempts + $attempts WHERE id = $id", ("$id", id), ("$attempts", attempts));

    public void Bury(string id, string reason, string detail) => _file.Execute(
        "UPDATE escalations SET leased_until = 0, dead_reason = $reason, dead_detail = $detail WHERE id = $id",
        ("$id", id),
        ("$reason", reason),
        ("$detail", detail));

    /// <summary>Queues dead letters again, from the first attempt on and with a new age.</summary>
    /// <param name="id">Which one; null for all.</param>
    /// <returns>How many.</returns>
    public int Revive(string? id) => _file.Execute(
        """
        UPDATE escalations SET dead_reason = NULL, dead_detail = NULL, attempts = 0, boot = $boot, stamp = $now
        WHERE dead_reason IS NOT NULL AND ($id IS NULL OR id = $id)
        """,
        ("$id", id),
        ("$boot", _clock.Boot),
        ("$now", _clock.Now));

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

    /// <summary>How many wait and are dead, how many of these for a reason, and since when the oldest that waits does.</summary>
    public (int Waiting, int Dead, int DeadFor, TimeSpan Oldest) Counts(string reason) => _file.Rows(
        """
        SELECT COALESCE(SUM(dead_reason IS NULL), 0), COALESCE(SUM(dead_reason IS NOT NULL), 0), COALESCE(SUM(dead_reason = $reason), 0),
          COALESCE(MAX(CASE WHEN dead_reason IS NULL THEN CASE
            WHEN boot = $boot THEN $now - stamp
            WHEN is_dated AND $known THEN $wall - created
            ELSE $now - $opened END END), 0)
        FROM escalations
        """,
        reader => (reader.GetInt32(0), reader.GetInt32(1), reader.GetInt32(2), TimeSpan.FromMilliseconds(Math.Max(0, reader.GetInt64(3)))),
        ("$reason", reason),
        ("$boot", _clock.Boot),
        ("$now", _clock.Now),
        ("$known", _clock.IsWallKnown ? 1 : 0),
        ("$wall", _clock.Wall.ToUnixTimeMilliseconds()),
        ("$opened", _opened))[0];

    public void Dispose() => _file.Dispose();

    private List<QueueEntry> Entries(string sql, params ReadOnlySpan<(string Name, object? Value)> values) => _file.Rows(sql, Entry, values);

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

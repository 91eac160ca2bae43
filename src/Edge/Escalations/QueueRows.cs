using System.Data.Common;
using Vlm.Edge.Routing;
using Vlm.Edge.Storage;

namespace Vlm.Edge.Escalations;

/// <summary>An entry of the queue, without its picture.</summary>
internal sealed record QueueEntry(
    string Id, string Picture, long Bytes, string Code, DateTimeOffset Created, string? LocalAnswer, EscalationReason Reason, int Attempts)
{
    /// <summary>Name of the key that asked; empty where none was needed.</summary>
    public string AskedBy { get; init; } = "";
}

/// <summary>The queue's rows in the box's database. Not thread-safe: made for every piece of work on it.</summary>
/// <param name="file">The database, as open.</param>
/// <param name="clock">For leases and ages.</param>
/// <param name="opened">Milliseconds since the boot at which this process began with the queue.</param>
internal sealed class QueueRows(SqliteFile file, BootClock clock, long opened)
{
    private const string Columns = "id, picture, bytes, code, created, local_answer, reason, attempts, asked_by";

    /// <summary>Nobody works on anything: the database is this process's alone, and it has just begun.</summary>
    public void ReleaseAll() => file.Execute("UPDATE escalations SET leased_until = 0 WHERE leased_until <> 0");

    public bool Contains(string id) => file.Scalar("SELECT 1 FROM escalations WHERE id = $id", ("$id", id)) is not null;

    public void Insert(QueueEntry entry) => file.Execute(
        """
        INSERT INTO escalations(id, picture, bytes, code, created, asked_by, local_answer, reason, boot, stamp, is_dated)
        VALUES($id, $picture, $bytes, $code, $created, $by, $local, $reason, $boot, $stamp, $dated)
        """,
        ("$id", entry.Id),
        ("$picture", entry.Picture),
        ("$bytes", entry.Bytes),
        ("$code", entry.Code),
        ("$created", entry.Created.ToUnixTimeMilliseconds()),
        ("$by", entry.AskedBy),
        ("$local", entry.LocalAnswer),
        ("$reason", entry.Reason.ToString()),
        ("$boot", clock.Boot),
        ("$stamp", clock.Now),
        ("$dated", clock.IsWallKnown ? 1 : 0));

    public void Delete(string id) => file.Execute("DELETE FROM escalations WHERE id = $id", ("$id", id));

    public QueueEntry? Find(string id) => Entries($"SELECT {Columns} FROM escalations WHERE id = $id", ("$id", id)).FirstOrDefault();

    /// <summary>Entries that may be worked on now, in the order to send them.</summary>
    public List<QueueEntry> Ready(DrainOrder order, int most) => Entries(
        $"""
         SELECT {Columns} FROM escalations WHERE dead_reason IS NULL AND leased_until <= $now
         ORDER BY number {(order == DrainOrder.OldestFirst ? "ASC" : "DESC")} LIMIT $most
         """,
        ("$now", clock.Now),
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
        ("$now", clock.Now),
        ("$age", (long)age.TotalMilliseconds),
        ("$dead", areDead ? 1 : 0),
        ("$boot", clock.Boot),
        ("$known", clock.IsWallKnown ? 1 : 0),
        ("$wall", clock.Wall.ToUnixTimeMilliseconds()),
        ("$opened", opened));

    /// <summary>The entry to give up first: dead letters, then the oldest that nobody works on.</summary>
    public QueueEntry? LeastWorth() => Entries(
        $"SELECT {Columns} FROM escalations WHERE leased_until <= $now ORDER BY dead_reason IS NULL, number LIMIT 1", ("$now", clock.Now)).FirstOrDefault();

    public List<DeadLetter> Dead(int most) => file.Rows(
        "SELECT " + Columns + ", dead_reason, dead_detail FROM escalations WHERE dead_reason IS NOT NULL ORDER BY number LIMIT $most",
        reader => new DeadLetter(Entry(reader), reader.GetString(9), reader.GetString(10)),
        ("$most", most));

    public void Lease(string id, TimeSpan time) =>
        file.Execute("UPDATE escalations SET leased_until = $until WHERE id = $id", ("$id", id), ("$until", clock.Now + (long)time.TotalMilliseconds));

    public void Release(string id, int attempts) =>
        file.Execute("UPDATE escalations SET leased_until = 0, attempts = attempts + $attempts WHERE id = $id", ("$id", id), ("$attempts", attempts));

    public void Bury(string id, string reason, string detail) => file.Execute(
        "UPDATE escalations SET leased_until = 0, dead_reason = $reason, dead_detail = $detail WHERE id = $id",
        ("$id", id),
        ("$reason", reason),
        ("$detail", detail));

    /// <summary>Queues dead letters again, from the first attempt on and with a new age.</summary>
    /// <param name="id">Which one; null for all.</param>
    /// <returns>How many.</returns>
    public int Revive(string? id) => file.Execute(
        """
        UPDATE escalations SET dead_reason = NULL, dead_detail = NULL, attempts = 0, boot = $boot, stamp = $now
        WHERE dead_reason IS NOT NULL AND ($id IS NULL OR id = $id)
        """,
        ("$id", id),
        ("$boot", clock.Boot),
        ("$now", clock.Now));

    /// <summary>Ids of dead letters: one, if it is dead, or all.</summary>
    public List<string> DeadIds(string? id) =>
        file.Rows(
        "SELECT id FROM escalations WHERE dead_reason IS NOT NULL AND ($id IS NULL OR id = $id) ORDER BY number",
        reader => reader.GetString(0),
        ("$id", id));

    /// <summary>Bytes of the pictures, each counted once.</summary>
    public long PictureBytes() => (long)file.Scalar("SELECT COALESCE(SUM(bytes), 0) FROM (SELECT DISTINCT picture, bytes FROM escalations)")!;

    public bool HasPicture(string picture) => file.Scalar("SELECT 1 FROM escalations WHERE picture = $picture LIMIT 1", ("$picture", picture)) is not null;

    public HashSet<string> Pictures() => [.. file.Rows("SELECT DISTINCT picture FROM escalations", reader => reader.GetString(0))];

    /// <summary>How many wait and are dead, how many of these for a reason, and since when the oldest that waits does.</summary>
    public (int Waiting, int Dead, int DeadFor, TimeSpan Oldest) Counts(string reason) => file.Rows(
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
        ("$boot", clock.Boot),
        ("$now", clock.Now),
        ("$known", clock.IsWallKnown ? 1 : 0),
        ("$wall", clock.Wall.ToUnixTimeMilliseconds()),
        ("$opened", opened))[0];

    private List<QueueEntry> Entries(string sql, params ReadOnlySpan<(string Name, object? Value)> values) => file.Rows(sql, Entry, values);

    private static QueueEntry Entry(DbDataReader reader) => new(
        reader.GetString(0),
        reader.GetString(1),
        reader.GetInt64(2),
        reader.GetString(3),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(4)),
        reader.IsDBNull(5) ? null : reader.GetString(5),
        Enum.Parse<EscalationReason>(reader.GetString(6)),
        reader.GetInt32(7))
    {
        AskedBy = reader.GetString(8),
    };
}

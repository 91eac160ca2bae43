using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Storage;

/// <summary>
/// Earlier versions kept answers in <c>answers.db</c> and the queue in a <c>queue.db</c> of its own. What they hold is copied at the start, then they get
/// another name. A kill between the two is no harm: nothing is done before the name is changed, and a row is not copied twice.
/// </summary>
internal static class EarlierFiles
{
    private const string Taken = ".taken-over", Damaged = ".damaged";

    // As those versions made them; what the oldest of them lack is added before they are read.
    private const string Answers = """
        CREATE TABLE IF NOT EXISTS answers(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, answer TEXT,
          correction TEXT, failure TEXT) STRICT;
        CREATE TABLE IF NOT EXISTS reviews(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, created INTEGER NOT NULL, review TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS events(number INTEGER PRIMARY KEY, happened TEXT NOT NULL) STRICT;
        """;

    private const string Queue = """
        CREATE TABLE IF NOT EXISTS escalations(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, picture TEXT NOT NULL,
          bytes INTEGER NOT NULL, code TEXT NOT NULL, created INTEGER NOT NULL, local_answer TEXT, reason TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
          dead_reason TEXT, dead_detail TEXT) STRICT;
        """;

    private static readonly Earlier[] Kinds =
    [
        new("answers.db", folders => folders.State, "the answers of an earlier version", Answers, "answers", ["code TEXT", "picture TEXT"], """
            INSERT OR IGNORE INTO questions(id, created, code, picture, answer, correction, failure)
              SELECT id, created, code, picture, answer, correction, failure FROM earlier.answers ORDER BY number;
            INSERT OR IGNORE INTO reviews(number, id, created, review) SELECT number, id, created, review FROM earlier.reviews;
            INSERT OR IGNORE INTO events(number, asked_by, happened) SELECT number, '', happened FROM earlier.events;
            """),
        new("queue.db", folders => folders.Waiting, "the queue of an earlier version", Queue, "escalations",
            ["boot TEXT NOT NULL DEFAULT ''", "stamp INTEGER NOT NULL DEFAULT 0", "is_dated INTEGER NOT NULL DEFAULT 1"], """
            INSERT OR IGNORE INTO escalations(
                id, picture, bytes, code, created, local_answer, reason, attempts, dead_reason, dead_detail, boot, stamp, is_dated)
              SELECT id, picture, bytes, code, created, local_answer, reason, attempts, dead_reason, dead_detail, boot, stamp, is_dated
              FROM earlier.escalations ORDER BY number;
            """),
    ];

    /// <summary>Copies what there is into a database that is open, and gives the files other names.</summary>
    /// <exception cref="StorageException">Another process has one open, or there is no room.</exception>
    public static void TakeOver(SqliteFile box, BoxFolders folders, ILogger log)
    {
        foreach (var kind in Kinds)
        {
            if (kind.Folder(folders) is not { } folder || !File.Exists(Path.Combine(folder, kind.Name))) continue;
            var path = Path.Combine(folder, kind.Name);
            // Its room is needed for the copy, and a new one is kept beside the database.
            File.Delete(Path.Combine(folder, "reserve"));
            if (Mend(kind, path) is { } damage)
            {
                log.NotTakenOver(damage, path, Rename(path, Damaged));
                continue;
            }
            box.Execute("ATTACH $path AS earlier", ("$path", path));
            box.Execute($"BEGIN IMMEDIATE; {kind.Copy} COMMIT; DETACH earlier;");
            log.TakenOver(path, box.Name, Rename(path, Taken));
        }
    }

    /// <summary>Gives an earlier file what the oldest versions of it lack.</summary>
    /// <returns>What is wrong with it when it is damaged; else null.</returns>
    private static StorageException? Mend(Earlier kind, string path)
    {
        try
        {
            using var earlier = new SqliteFile(path, kind.What, kind.Tables);
            earlier.AddColumns(kind.Table, kind.Added);
            return null;
        }
        catch (StorageException error) when (error.Fault == StorageFault.Damaged)
        {
            return error;
        }
    }

    private static string Rename(string path, string ending)
    {
        File.Move(path, path + ending, overwrite: true);
        foreach (var rest in (string[])["-wal", "-shm"]) File.Delete(path + rest);
        return path + ending;
    }

    /// <param name="Name">Of the file.</param>
    /// <param name="Folder">Where it is; null where there can be none.</param>
    /// <param name="What">The same for messages.</param>
    /// <param name="Tables">Made where they are missing.</param>
    /// <param name="Table">The one that lacks columns in the oldest versions.</param>
    /// <param name="Added">These.</param>
    /// <param name="Copy">Brings the rows over.</param>
    private sealed record Earlier(
        string Name, Func<BoxFolders, string?> Folder, string What, string Tables, string Table, string[] Added, string Copy);
}

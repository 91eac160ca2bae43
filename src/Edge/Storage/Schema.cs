namespace Vlm.Edge.Storage;

/// <summary>The tables of the box's database, and their version.</summary>
internal static class Schema
{
    /// <summary>Raise it with every change of the tables, and say in <see cref="Apply"/> how a file of the version before becomes one of this.</summary>
    public const int Version = 1;

    // Times are milliseconds since 1970. What is asked by nobody in particular, because no keys are required, is asked by ''. An entry of the queue has the
    // boot and the milliseconds since then beside its time: what the wall clock says is evidence of its age only from another boot, and only where it was
    // believed then and is now. Its lease is in milliseconds since the boot.
    private const string Tables = """
        CREATE TABLE questions(
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL UNIQUE,
          created INTEGER NOT NULL,
          asked_by TEXT NOT NULL DEFAULT '',
          code TEXT,
          picture TEXT,
          answer TEXT,
          correction TEXT,
          failure TEXT) STRICT;
        CREATE INDEX questions_by_asker ON questions(asked_by, number);
        CREATE TABLE reviews(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, created INTEGER NOT NULL, review TEXT NOT NULL) STRICT;
        CREATE INDEX reviews_by_id ON reviews(id);
        CREATE TABLE events(number INTEGER PRIMARY KEY, asked_by TEXT, happened TEXT NOT NULL) STRICT;
        CREATE TABLE escalations(
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL UNIQUE,
          picture TEXT NOT NULL,
          bytes INTEGER NOT NULL,
          code TEXT NOT NULL,
          created INTEGER NOT NULL,
          asked_by TEXT NOT NULL DEFAULT '',
          local_answer TEXT,
          reason TEXT NOT NULL,
          attempts INTEGER NOT NULL DEFAULT 0,
          leased_until INTEGER NOT NULL DEFAULT 0,
          dead_reason TEXT,
          dead_detail TEXT,
          boot TEXT NOT NULL DEFAULT '',
          stamp INTEGER NOT NULL DEFAULT 0,
          is_dated INTEGER NOT NULL DEFAULT 1) STRICT;
        CREATE INDEX escalations_by_picture ON escalations(picture);
        """;

    /// <summary>Gives a new file its tables.</summary>
    /// <exception cref="StorageException">It is of a later version than this program.</exception>
    public static void Apply(SqliteFile file)
    {
        var found = (long)file.Scalar("PRAGMA user_version")!;
        if (found > Version)
        {
            throw new StorageException(StorageFault.Newer,
                $"{file.Name} was written by a later version of this program (tables of version {found}, known are {Version}). "
                + "Run that version, or move the file away.");
        }
        if (found < Version) file.Execute($"BEGIN IMMEDIATE; {Tables} PRAGMA user_version = {Version}; COMMIT;");
    }
}

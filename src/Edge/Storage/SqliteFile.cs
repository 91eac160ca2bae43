using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Vlm.Edge.Storage;

/// <summary>What is wrong with a database.</summary>
internal enum StorageFault
{
    /// <summary>What it holds makes no sense.</summary>
    Damaged,

    /// <summary>The disk is full.</summary>
    Full,

    /// <summary>Another process has it open.</summary>
    Taken,

    /// <summary>A later version of this program wrote it.</summary>
    Newer,

    /// <summary>It cannot be read or written.</summary>
    Unusable,
}

/// <summary>A database cannot be used.</summary>
internal sealed class StorageException(StorageFault fault, string message, Exception? inner = null) : IOException(message, inner)
{
    public StorageFault Fault => fault;

    /// <summary>What clients are told, and what they can do: the message itself names files of this machine.</summary>
    public string ForClients => fault == StorageFault.Full
        ? "The disk of the box is full, so this is not done, or not to its end. Free room on it, then do it again."
        : "The disk of the box cannot be read or written, so this is not done, or not to its end. "
            + "The alarm in the state of the box and its log say what fails; mend it, then do it again.";

    /// <summary>Whether an error says that there is no room: SQLite's own; ENOSPC, EDQUOT or EFBIG on Unix; ERROR_DISK_FULL on Windows.</summary>
    public static bool IsNoRoom(IOException error) =>
        error is StorageException { Fault: StorageFault.Full } || error.HResult is 28 or 122 or 27 or unchecked((int)0x80070070);
}

/// <summary>An SQLite file: write-ahead log, one process. The only file that knows the package. Not thread-safe; its users lock.</summary>
internal sealed class SqliteFile : IDisposable
{
    private readonly SqliteConnection _connection;
    private bool _isDurable;

    /// <summary>Opens or creates the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it is, for messages: "the queue".</param>
    /// <param name="setUp">Pragmas, tables and indexes.</param>
    /// <exception cref="StorageException">Damaged, locked by another process, or not to be written.</exception>
    public SqliteFile(string path, string what, string setUp)
    {
        Name = $"{what} '{path}'";
        // Not pooled: a closed connection must let go of the file, so that a damaged one can be moved.
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 }.ToString());
        try
        {
            Try(() =>
            {
                _connection.Open();
                return true;
            });
            Execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
            if (Scalar("PRAGMA quick_check(1)") is not "ok") throw Damage("its check found damage");
            Execute(setUp);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    /// <summary>What it is and where, for messages.</summary>
    public string Name { get; }

    /// <summary>
    /// Whether what is written from now on outlives a power cut too, for the price of waiting for the disk; with it all that was written before does. At first
    /// it outlives the end of the process alone. To be set between two statements.
    /// </summary>
    public bool IsDurable
    {
        get => _isDurable;
        set
        {
            if (_isDurable == value) return;
            Execute(value ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
            _isDurable = value;
        }
    }

    /// <summary>Adds columns that a table of an earlier version lacks.</summary>
    /// <param name="table">The table.</param>
    /// <param name="columns">Each with its type and default: <c>boot TEXT NOT NULL DEFAULT ''</c>.</param>
    public void AddColumns(string table, IEnumerable<string> columns)
    {
        var there = Rows($"SELECT name FROM pragma_table_info('{table}')", row => row.GetString(0));
        foreach (var column in columns.Where(column => !there.Contains(column[..column.IndexOf(' ', StringComparison.Ordinal)])))
            Execute($"ALTER TABLE {table} ADD COLUMN {column}");
    }

    /// <returns>Rows changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(sql, values);
        return Try(command.ExecuteNonQuery);
    }

    public object? Scalar(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(sql, values);
        return Try(command.ExecuteScalar);
    }

    public List<T> Rows<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(sql, values);
        return Try(() =>
        {
            using var reader = command.ExecuteReader();
            var rows = new List<T>();
            while (reader.Read()) rows.Add(Read(row, reader));
            return rows;
        });
    }

    public void Dispose() => _connection.Dispose();

    /// <summary>
    /// A row; damage when it makes no sense, since a page of garbage can look like rows: nothing where something must be, no such reason, no such time.
    /// </summary>
    private T Read<T>(Func<DbDataReader, T> row, DbDataReader reader)
    {
        try
        {
            return row(reader);
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException or InvalidOperationException or OverflowException)
        {
            throw Damage(error.Message, error);
        }
    }

    /// <summary>SQLite's errors as ours; https://sqlite.org/rescode.html names the codes.</summary>
    private T Try<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException error)
        {
            throw error.SqliteErrorCode switch
            {
                5 => new StorageException(StorageFault.Taken, $"{Name} is open in another process; only one may work on it", error),
                11 or 26 => Damage(error.Message, error),
                13 => new StorageException(StorageFault.Full, $"{Name} cannot be written: the disk is full", error),
                _ => new StorageException(StorageFault.Unusable, $"{Name} cannot be used: {error.Message}", error),
            };
        }
    }

    private StorageException Damage(string what, Exception? inner = null) => new(StorageFault.Damaged, $"{Name} is damaged: {what}", inner);

    private SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Only constants come here; values are parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}

using Microsoft.Extensions.Logging;
using Vlm.Hosting;

namespace Vlm.Edge.Storage;

/// <summary>Where the box keeps what outlives a restart.</summary>
/// <param name="State">Folder of the database.</param>
/// <param name="Waiting">Folder of the pictures that wait for the larger model; null for a box that works alone.</param>
internal sealed record BoxFolders(string State, string? Waiting)
{
    /// <summary>Folder of these pictures themselves, below <see cref="Waiting"/>.</summary>
    public const string Pictures = "pictures";
}

/// <summary>What a piece of work does to the disk.</summary>
internal enum DiskUse
{
    /// <summary>It only reads.</summary>
    Read,

    /// <summary>It keeps something new, which must leave the room that is kept for <see cref="Settle"/>.</summary>
    Keep,

    /// <summary>It finishes what was begun. On a full disk it gets the room that was kept for it.</summary>
    Settle,
}

/// <summary>
/// Who hears what goes wrong with the database. Called on other threads, one call after the other: an alarm is an event, and events are kept here.
/// </summary>
/// <param name="Trouble">It cannot be read or written.</param>
/// <param name="Full">The disk has no room.</param>
/// <param name="PutAside">It was damaged; it lies in a folder now, and a new one was begun.</param>
/// <param name="Fine">After trouble it can be written again.</param>
internal sealed record StorageListener(Action<string> Trouble, Action<string> Full, Action<string> PutAside, Action Fine);

/// <summary>
/// The box's one database: questions, answers, corrections, escalations, reviews and events. It owns the connection, its lock, the reserve on the disk and
/// what becomes of a damaged file. One process at a time; thread-safe.
/// </summary>
/// <remarks>
/// It is opened when it is used first. What stays closed, because it could not be put aside or opened again, is tried again by the next use. A damaged file is
/// put aside with the pictures that its rows name, at the start or whenever it shows, and the box goes on with a new one.
/// </remarks>
internal sealed class BoxDatabase(BoxFolders folders, TimeProvider clock, ILogger<BoxDatabase> log) : IDisposable
{
    private const string FileName = "box.db", ReserveName = "reserve";

    // The log goes back to its beginning after 50 pages, so that finishing what was begun needs little room on a full disk: see Reserve.
    private const string SetUp = "PRAGMA wal_autocheckpoint=50;";

    private readonly Lock _lock = new();
    private readonly Reserve _reserve = new(Path.Combine(folders.State, ReserveName));
    private readonly string _path = Path.Combine(folders.State, FileName);
    private readonly List<Action<StorageListener>> _unheard = [];
    private StorageListener? _listener;
    private Task _telling = Task.CompletedTask;
    private SqliteFile? _file;
    private bool _isTroubled;
    private int _damaged;

    /// <summary>Where everything is.</summary>
    public BoxFolders Folders => folders;

    /// <summary>How often since the start it was damaged and put aside.</summary>
    public int TimesDamaged => Volatile.Read(ref _damaged);

    /// <summary>Folders of damaged files that were put aside and lie there still.</summary>
    public IReadOnlyList<string> PutAsideFolders() =>
        [.. Quarantine.Folders(folders.State), .. folders.Waiting is { } waiting && waiting != folders.State ? Quarantine.Folders(waiting) : []];

    /// <summary>Names who hears what goes wrong, also what went wrong before.</summary>
    public void Watch(StorageListener listener)
    {
        lock (_lock)
        {
            _listener = listener;
            foreach (var said in _unheard) Say(said);
            _unheard.Clear();
        }
    }

    /// <summary>Works on it, alone; once more with a new file when it turns out to be damaged, or with the reserve's room when there is no other.</summary>
    /// <returns>What the work returned; whatever it wrote outlives a kill from then on, and a power cut where it says so itself.</returns>
    /// <exception cref="StorageException">That failed; it was told.</exception>
    public T Use<T>(DiskUse use, Func<SqliteFile, T> work)
    {
        lock (_lock)
        {
            try
            {
                var result = Mended(use, work);
                if (use != DiskUse.Read) IsFine();
                return result;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Fail(error);
                if (error is StorageException) throw;
                throw new StorageException(IsFull(error) ? StorageFault.Full : StorageFault.Unusable, error.Message, error);
            }
        }
    }

    /// <summary>Makes sure of the room for finishing what is begun now; part of the work that keeps something new.</summary>
    /// <exception cref="IOException">There is none.</exception>
    public void KeepReserve() => _reserve.Fill();

    /// <summary>Says that something that was kept cannot be understood.</summary>
    public void Report(string problem)
    {
        lock (_lock)
        {
            _isTroubled = true;
            Say(listener => listener.Trouble(problem));
        }
    }

    public void Dispose()
    {
        lock (_lock) _file?.Dispose();
    }

    private T Mended<T>(DiskUse use, Func<SqliteFile, T> work)
    {
        try
        {
            return work(_file ??= Open());
        }
        catch (StorageException error) when (error.Fault == StorageFault.Damaged)
        {
            // A new database needs room too.
            _reserve.Spend();
            PutAside(error);
            return work(_file ??= Open());
        }
        catch (StorageException error) when (error.Fault == StorageFault.Full && use != DiskUse.Keep && _reserve.Spend())
        {
            log.DiskFull(error);
            Say(listener => listener.Full(error.Message));
            return work(_file ??= Open());
        }
    }

    private SqliteFile Open()
    {
        PrivateFiles.MakeFolder(folders.State);
        var file = new SqliteFile(_path, "what the box remembers", SetUp);
        try
        {
            Schema.Apply(file);
            EarlierFiles.TakeOver(file, folders, log);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private void PutAside(StorageException error)
    {
        _file?.Dispose();
        _file = null;
        List<(string Folder, string Name)> damaged = [(folders.State, FileName)];
        if (folders.Waiting is { } waiting && Directory.Exists(waiting)) damaged.Add((waiting, BoxFolders.Pictures));
        var aside = Quarantine.Move(damaged, clock.GetUtcNow());
        Interlocked.Increment(ref _damaged);
        log.PutAside(error, aside);
        Say(listener => listener.PutAside(aside));
    }

    private void IsFine()
    {
        if (!_isTroubled) return;
        _isTroubled = false;
        Say(listener => listener.Fine());
    }

    private void Fail(Exception error)
    {
        if (IsFull(error))
        {
            Say(listener => listener.Full(error.Message));
            return;
        }
        _isTroubled = true;
        Say(listener => listener.Trouble($"'{_path}' cannot be used, so a restart would forget answers: {error.Message}"));
    }

    private static bool IsFull(Exception error) => error is IOException io && StorageException.IsNoRoom(io);

    private void Say(Action<StorageListener> said)
    {
        if (_listener is { } listener) _telling = _telling.ContinueWith(_ => said(listener), TaskScheduler.Default);
        else _unheard.Add(said);
    }
}

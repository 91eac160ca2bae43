using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Escalations;

/// <summary>
/// The durable queue of escalations: what it accepts outlives a kill and a power cut, and is sent under the same key. Entries are in SQLite, pictures in
/// files beside it. One process at a time; thread-safe.
/// </summary>
/// <remarks>
/// The picture is on the disk before its entry is, and the entry is removed before its picture: whenever the process ends, at worst a picture without an
/// entry is left, which the next start removes. A damaged database is put aside with its pictures, and the service goes on with a new one.
/// </remarks>
internal sealed class EscalationQueue : IDisposable
{
    private const string DatabaseName = "queue.db";
    private const string PicturesName = "pictures";
    private const string QuarantinePrefix = "quarantine-";
    private const int MaxDropped = 1000;

    private readonly Lock _lock = new();
    private readonly QueueOptions _options;
    private readonly TimeProvider _time;
    private readonly EscalationMeters _meters;
    private readonly ILogger<EscalationQueue> _log;
    private readonly SemaphoreSlim _changed = new(0, 1);
    private QueueDatabase _database;
    private PictureStore _pictures;
    private int _quarantined;

    private EscalationQueue(QueueOptions options, TimeProvider time, EscalationMeters meters, ILogger<EscalationQueue> log)
    {
        (_options, _time, _meters, _log) = (options, time, meters, log);
        Directory.CreateDirectory(options.Folder);
        try
        {
            (_database, _pictures) = OpenFiles();
        }
        catch (SqliteException error) when (QueueDatabase.IsDamage(error))
        {
            PutAside(error);
            (_database, _pictures) = OpenFiles();
        }

        meters.WatchQueue(Stats);
    }

    /// <summary>Opens or creates the queue.</summary>
    /// <exception cref="SqliteException">Another process has it open, or the folder cannot be written.</exception>
    public static EscalationQueue Open(QueueOptions options, TimeProvider time, EscalationMeters meters, ILogger<EscalationQueue> log) =>
        new(options, time, meters, log);

    /// <summary>Takes an escalation, or says why not. When it says that it is accepted, it is on the disk.</summary>
    public EnqueueResult TryEnqueue(Escalation escalation)
    {
        ArgumentNullException.ThrowIfNull(escalation);
        ArgumentException.ThrowIfNullOrEmpty(escalation.Id);
        EnqueueResult result;
        try
        {
            result = Guarded(() => Enqueue(escalation));
        }
        catch (SqliteException error) when (QueueDatabase.IsStorage(error))
        {
            result = new EnqueueResult.Rejected(QueueDatabase.IsFull(error) ? QueueDrop.DiskFull : QueueDrop.StorageFailed, error.Message);
        }
        catch (IOException error)
        {
            result = new EnqueueResult.Rejected(IsNoRoom(error) ? QueueDrop.DiskFull : QueueDrop.StorageFailed, error.Message);
        }
        catch (UnauthorizedAccessException error)
        {
            result = new EnqueueResult.Rejected(QueueDrop.StorageFailed, error.Message);
        }

        if (result is EnqueueResult.Rejected rejected)
        {
            _meters.Dropped(rejected.Reason);
            _log.LogWarning("Escalation {Id} is not queued: {Reason}, {Detail}", escalation.Id, rejected.Reason, rejected.Detail);
        }
        else if (result is EnqueueResult.Accepted)
        {
            Signal();
        }

        return result;
    }

    /// <summary>Takes escalations to work on, in the order of the options. Whoever does not finish within the lease loses them to the next.</summary>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<QueuedEscalation> Lease(int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        return Guarded(() =>
        {
            var now = _time.GetUtcNow();
            Expire(now);
            var leased = new List<QueuedEscalation>();
            foreach (var entry in _database.Ready(now, _options.Order, most))
            {
                if (_pictures.Read(entry.Picture) is { } picture)
                {
                    _database.Lease(entry.Id, now + TimeSpan.FromSeconds(_options.LeaseSeconds));
                    leased.Add(new QueuedEscalation(Whole(entry, picture), entry.Attempts));
                    continue;
                }

                GiveUp(entry, QueueDrop.PictureLost, "its picture is missing or damaged");
            }

            return leased;
        });
    }

    /// <summary>An escalation was answered: it and its picture go.</summary>
    public void Complete(string id) => Guarded(() => Remove(id));

    /// <summary>An escalation is given up: it becomes a dead letter that keeps its picture.</summary>
    public void Fail(string id, EscalationFailure reason, string detail) => Guarded(() =>
    {
        _database.Bury(id, EscalationMeters.Label(reason), detail);
        _meters.Dropped(QueueDrop.Dead);
        return true;
    });

    /// <summary>An escalation waits again.</summary>
    /// <param name="id">Which.</param>
    /// <param name="notBefore">When it may be taken again.</param>
    /// <param name="isItsFault">Whether the failure counts towards its attempts.</param>
    public void Release(string id, DateTimeOffset notBefore, bool isItsFault) => Guarded(() =>
    {
        _database.Release(id, notBefore, isItsFault ? 1 : 0);
        return true;
    });

    /// <summary>The oldest dead letters.</summary>
    public IReadOnlyList<DeadLetter> DeadLetters(int most) => Guarded(() => _database.Dead(most)
        .ConvertAll(dead => new DeadLetter(Whole(dead.Entry, _pictures.Read(dead.Entry.Picture) ?? []), dead.Reason, dead.Detail)));

    /// <summary>Dead letters wait again, say after a wrong key was corrected.</summary>
    /// <returns>How many.</returns>
    public int Revive()
    {
        var revived = Guarded(() => _database.Revive());
        if (revived > 0) Signal();
        return revived;
    }

    /// <summary>What the queue holds.</summary>
    public QueueStats Stats() => Guarded(() =>
    {
        var (waiting, dead, oldest) = _database.Counts();
        return new QueueStats(waiting, dead, _database.PictureBytes(), oldest is { } first ? _time.GetUtcNow() - first : TimeSpan.Zero, _quarantined);
    });

    /// <summary>Waits until something was added, or for a time at most.</summary>
    public async Task WaitForMore(TimeSpan most, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(most, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            await _changed.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The time is up: leases and waits may have run out meanwhile.
        }
    }

    public void Dispose()
    {
        lock (_lock) _database.Dispose();
        _changed.Dispose();
    }

    private EnqueueResult Enqueue(Escalation escalation)
    {
        if (_database.Contains(escalation.Id)) return new EnqueueResult.Duplicate();
        if (escalation.Picture.Length > _options.MaxBytes)
            return new EnqueueResult.Rejected(QueueDrop.TooLarge, $"the picture has {escalation.Picture.Length} bytes, the queue holds {_options.MaxBytes}");
        var now = _time.GetUtcNow();
        Expire(now);
        var dropped = 0;
        while (IsFull(escalation.Picture.Length))
        {
            var oldest = _options.WhenFull == WhenFull.DropOldest && dropped < MaxDropped ? _database.LeastWorth(now) : null;
            if (oldest is null) return new EnqueueResult.Rejected(QueueDrop.Full, $"the queue holds {_options.MaxCount} escalations or {_options.MaxBytes} bytes");
            GiveUp(oldest, QueueDrop.DroppedOldest, "a newer one needed its place");
            dropped++;
        }

        var name = _pictures.Keep(escalation.Picture);
        try
        {
            _database.Insert(new QueueEntry(
                escalation.Id, name, escalation.Picture.Length, escalation.Code, escalation.Created, escalation.LocalAnswer, escalation.Reason, Attempts: 0));
        }
        catch (SqliteException error) when (QueueDatabase.IsStorage(error))
        {
            if (!_database.HasPicture(name)) _pictures.Remove(name);
            throw;
        }

        return new EnqueueResult.Accepted(dropped);
    }

    private bool IsFull(long more)
    {
        var (waiting, dead, _) = _database.Counts();
        return waiting + dead >= _options.MaxCount || _database.PictureBytes() + more > _options.MaxBytes;
    }

    private void Expire(DateTimeOffset now)
    {
        foreach (var entry in _database.Expired(now - TimeSpan.FromHours(_options.MaxAgeHours), now)) GiveUp(entry, QueueDrop.Expired, "too old");
    }

    private void GiveUp(QueueEntry entry, QueueDrop reason, string detail)
    {
        Remove(entry.Id);
        _meters.Dropped(reason);
        _log.LogWarning("Escalation {Id} of {Created:u} is given up: {Reason}, {Detail}", entry.Id, entry.Created, reason, detail);
    }

    private bool Remove(string id)
    {
        if (_database.Find(id) is not { } entry) return false;
        _database.Delete(id);
        if (!_database.HasPicture(entry.Picture)) _pictures.Remove(entry.Picture);
        return true;
    }

    /// <summary>Under the lock; once more with a new database when the old one turns out to be damaged.</summary>
    private T Guarded<T>(Func<T> work)
    {
        lock (_lock)
        {
            try
            {
                return work();
            }
            catch (SqliteException error) when (QueueDatabase.IsDamage(error))
            {
                _database.Dispose();
                PutAside(error);
                (_database, _pictures) = OpenFiles();
                return work();
            }
        }
    }

    private (QueueDatabase Database, PictureStore Pictures) OpenFiles()
    {
        var database = new QueueDatabase(Path.Combine(_options.Folder, DatabaseName));
        var pictures = new PictureStore(Path.Combine(_options.Folder, PicturesName));
        pictures.Sweep(database.Pictures());
        return (database, pictures);
    }

    /// <summary>Moves database and pictures out of the way. Only the last such folder is kept, so that a failing disk cannot fill itself.</summary>
    private void PutAside(SqliteException error)
    {
        foreach (var old in Directory.GetDirectories(_options.Folder, QuarantinePrefix + "*")) Directory.Delete(old, recursive: true);
        var aside = Directory.CreateDirectory(Path.Combine(_options.Folder, $"{QuarantinePrefix}{_time.GetUtcNow().ToUnixTimeMilliseconds()}")).FullName;
        foreach (var file in Directory.GetFiles(_options.Folder, DatabaseName + "*")) File.Move(file, Path.Combine(aside, Path.GetFileName(file)));
        var pictures = Path.Combine(_options.Folder, PicturesName);
        if (Directory.Exists(pictures)) Directory.Move(pictures, Path.Combine(aside, PicturesName));
        _quarantined++;
        _meters.Quarantined();
        _log.LogCritical(error, "The queue in {Folder} was damaged. It is put aside in {Aside}; a new one is used. Check the disk.", _options.Folder, aside);
    }

    private void Signal()
    {
        lock (_lock)
        {
            if (_changed.CurrentCount == 0) _changed.Release();
        }
    }

    private static Escalation Whole(QueueEntry entry, byte[] picture) =>
        new(entry.Id, picture, entry.Code, entry.Created, entry.LocalAnswer, entry.Reason);

    /// <summary>ENOSPC, EDQUOT or EFBIG on Unix; ERROR_DISK_FULL on Windows.</summary>
    private static bool IsNoRoom(IOException error) => error.HResult is 28 or 122 or PictureStore.FileTooLarge or unchecked((int)0x80070070);
}

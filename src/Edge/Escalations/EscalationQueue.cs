using Microsoft.Extensions.Logging;
using Vlm.Edge.Storage;
using Vlm.Hosting;
using Vlm.Text;

namespace Vlm.Edge.Escalations;

/// <summary>
/// The durable queue of escalations: what it accepts outlives a kill and a power cut, and is sent under the same key. Entries are in SQLite, pictures in
/// files beside it. One process at a time; thread-safe.
/// </summary>
/// <remarks>
/// The picture is on the disk before its entry is, and the entry is removed before its picture: whenever the process ends, at worst a picture without an
/// entry is left, which the next start removes. A damaged database is put aside with its pictures, at the start or whenever it shows, and the service goes on
/// with a new one. A full disk turns new ones away; what is queued can still be sent and removed, in the room that <see cref="Reserve"/> kept.
/// </remarks>
internal sealed class EscalationQueue : IDisposable
{
    private const string DatabaseName = "queue.db";
    private const string PicturesName = "pictures";
    private const string ReserveName = "reserve";
    private const string QuarantinePrefix = "quarantine-";
    private const int MaxDropped = 1000;

    private readonly Lock _lock = new();
    private readonly QueueOptions _options;
    private readonly TimeProvider _time;
    private readonly EscalationMeters _meters;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly Reserve _reserve;
    private (QueueDatabase Database, PictureStore Pictures)? _files;
    private int _quarantined;

    private EscalationQueue(QueueOptions options, Instruments instruments)
    {
        (_options, _time, _meters) = (options, instruments.Time, instruments.Meters);
        _log = instruments.Logs.CreateLogger<EscalationQueue>();
        PrivateFiles.MakeFolder(options.Folder);
        _reserve = new Reserve(Path.Combine(options.Folder, ReserveName));
        Guarded(() => _files is not null);
        _meters.WatchQueue(Stats);
    }

    private QueueDatabase Database => _files!.Value.Database;

    private PictureStore Pictures => _files!.Value.Pictures;

    /// <summary>Opens or creates the queue.</summary>
    /// <exception cref="IOException">Another process has it open, or the folder cannot be written.</exception>
    public static EscalationQueue Open(QueueOptions options, Instruments instruments) => new(options, instruments);

    /// <summary>Takes an escalation, or says why not. When it says that it is accepted, it is on the disk.</summary>
    public EnqueueResult TryEnqueue(Escalation escalation)
    {
        ArgumentNullException.ThrowIfNull(escalation);
        ArgumentException.ThrowIfNullOrEmpty(escalation.Id);
        EnqueueResult result;
        var cause = "";
        try
        {
            result = Guarded(() => Enqueue(escalation), maySpend: false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Clients are told what it is, the log also where.
            cause = error.Message;
            result = error is IOException io && IsNoRoom(io)
                ? new EnqueueResult.Rejected(QueueDrop.DiskFull, "the box's disk is full")
                : new EnqueueResult.Rejected(QueueDrop.StorageFailed, "the box's disk cannot be written");
        }

        if (result is EnqueueResult.Rejected rejected)
        {
            _meters.Dropped(rejected.Reason);
            _log.NotQueued(escalation.Id, rejected.Reason.ToLabel(), cause.Length > 0 ? cause : rejected.Detail);
        }
        else if (result is EnqueueResult.Accepted)
        {
            Signal();
        }

        return result;
    }

    /// <summary>Takes escalations to work on, in the order of the options. What is not finished within the lease may be taken again.</summary>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<QueuedEscalation> Lease(int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        return Guarded(() =>
        {
            var now = _time.GetUtcNow();
            Expire(now);
            var leased = new List<QueuedEscalation>();
            foreach (var entry in Database.Ready(now, _options.Order, most))
            {
                if (Pictures.Read(entry.Picture) is { } picture)
                {
                    Database.Lease(entry.Id, now + TimeSpan.FromSeconds(_options.LeaseSeconds));
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
        Database.Bury(id, reason.ToLabel(), detail);
        _meters.Dropped(QueueDrop.Dead);
        return true;
    });

    /// <summary>An escalation waits again.</summary>
    /// <param name="id">Which.</param>
    /// <param name="notBefore">When it may be taken again.</param>
    /// <param name="isItsFault">Whether the failure counts towards its attempts.</param>
    public void Release(string id, DateTimeOffset notBefore, bool isItsFault) => Guarded(() =>
    {
        Database.Release(id, notBefore, isItsFault ? 1 : 0);
        return true;
    });

    /// <summary>The oldest dead letters.</summary>
    public IReadOnlyList<DeadLetter> DeadLetters(int most) => Guarded(() => Database.Dead(most));

    /// <summary>Queues dead letters again, say after a wrong key was corrected.</summary>
    /// <param name="id">Which one; null for all.</param>
    /// <returns>How many.</returns>
    public int Resend(string? id)
    {
        var revived = Guarded(() => Database.Revive(id));
        if (revived > 0)
        {
            _log.Resent(revived);
            Signal();
        }

        return revived;
    }

    /// <summary>Dead letters go, and their pictures with them.</summary>
    /// <param name="id">Which one; null for all.</param>
    /// <returns>How many.</returns>
    public int Drop(string? id) => Guarded(() =>
    {
        var ids = Database.DeadIds(id);
        foreach (var dead in ids)
        {
            Remove(dead);
            _meters.Dropped(QueueDrop.ByOperator);
        }

        if (ids.Count > 0) _log.Dropped(ids.Count);
        return ids.Count;
    });

    /// <summary>What the queue holds.</summary>
    public QueueStats Stats() => Guarded(() =>
    {
        var (waiting, dead, oldest) = Database.Counts();
        return new QueueStats(waiting, dead, Database.PictureBytes(), oldest is { } first ? _time.GetUtcNow() - first : TimeSpan.Zero, _quarantined);
    });

    /// <summary>Waits until something was added, or for a time at most.</summary>
    public async Task WaitForMoreAsync(TimeSpan most, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(most, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            await _changed.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The time is up: leases and waits may have run out meanwhile.
        }
    }

    public void Dispose()
    {
        lock (_lock) _files?.Database.Dispose();
        _changed.Dispose();
    }

    private EnqueueResult Enqueue(Escalation escalation)
    {
        if (Database.Contains(escalation.Id)) return new EnqueueResult.Duplicate();
        if (escalation.Picture.Length > _options.MaxBytes)
            return new EnqueueResult.Rejected(QueueDrop.TooLarge, $"the picture has {escalation.Picture.Length} bytes, the queue holds {_options.MaxBytes}");
        var now = _time.GetUtcNow();
        Expire(now);
        var dropped = 0;
        while (IsFull(escalation.Picture.Length))
        {
            var oldest = _options.WhenFull == WhenFull.DropOldest && dropped < MaxDropped ? Database.LeastWorth(now) : null;
            if (oldest is null)
                return new EnqueueResult.Rejected(QueueDrop.Full, $"the queue holds {_options.MaxCount} escalations or {_options.MaxBytes} bytes");
            GiveUp(oldest, QueueDrop.DroppedOldest, "a newer one needed its place");
            dropped++;
        }

        _reserve.Fill();
        var name = Pictures.Keep(escalation.Picture);
        try
        {
            Database.Insert(new QueueEntry(
                escalation.Id, name, escalation.Picture.Length, escalation.Code, escalation.Created, escalation.LocalAnswer, escalation.Reason, Attempts: 0));
        }
        catch (StorageException error) when (error.Fault != StorageFault.Damaged)
        {
            if (!Database.HasPicture(name)) Pictures.Remove(name);
            throw;
        }

        return new EnqueueResult.Accepted(dropped);
    }

    private bool IsFull(long more)
    {
        var (waiting, dead, _) = Database.Counts();
        return waiting + dead >= _options.MaxCount || Database.PictureBytes() + more > _options.MaxBytes;
    }

    private void Expire(DateTimeOffset now)
    {
        foreach (var entry in Database.Expired(now - TimeSpan.FromHours(_options.MaxAgeHours), now)) GiveUp(entry, QueueDrop.Expired, "too old");
    }

    private void GiveUp(QueueEntry entry, QueueDrop reason, string detail)
    {
        Remove(entry.Id);
        _meters.Dropped(reason);
        _log.GivenUp(entry.Id, entry.Created, reason.ToLabel(), detail);
    }

    private bool Remove(string id)
    {
        if (Database.Find(id) is not { } entry) return false;
        Database.Delete(id);
        if (!Database.HasPicture(entry.Picture)) Pictures.Remove(entry.Picture);
        return true;
    }

    /// <summary>Under the lock, with the files open; once more when they turn out to be damaged, with new ones, or when the reserve gave room.</summary>
    private T Guarded<T>(Func<T> work, bool maySpend = true)
    {
        lock (_lock)
        {
            try
            {
                return Opened(work);
            }
            catch (StorageException error) when (error.Fault == StorageFault.Damaged)
            {
                // A new database needs room too.
                _reserve.Spend();
                PutAside(error);
                return Opened(work);
            }
            catch (StorageException error) when (error.Fault == StorageFault.Full && maySpend)
            {
                if (!_reserve.Spend()) throw;
                _log.DiskFull(error);
                return Opened(work);
            }
        }
    }

    // What stays closed, because it could not be put aside or opened again, is tried again by the next call.
    private T Opened<T>(Func<T> work)
    {
        _files ??= OpenFiles();
        return work();
    }

    private (QueueDatabase Database, PictureStore Pictures) OpenFiles()
    {
        var database = new QueueDatabase(Path.Combine(_options.Folder, DatabaseName));
        try
        {
            var pictures = new PictureStore(Path.Combine(_options.Folder, PicturesName));
            pictures.Sweep(database.Pictures());
            return (database, pictures);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Moves database and pictures out of the way. Only the last such folder is kept, so that a failing disk cannot fill itself.</summary>
    private void PutAside(StorageException error)
    {
        _files?.Database.Dispose();
        _files = null;
        foreach (var old in Directory.GetDirectories(_options.Folder, QuarantinePrefix + "*")) Directory.Delete(old, recursive: true);
        var aside = Directory.CreateDirectory(Path.Combine(_options.Folder, $"{QuarantinePrefix}{_time.GetUtcNow().ToUnixTimeMilliseconds()}")).FullName;
        foreach (var file in Directory.GetFiles(_options.Folder, DatabaseName + "*")) File.Move(file, Path.Combine(aside, Path.GetFileName(file)));
        var pictures = Path.Combine(_options.Folder, PicturesName);
        if (Directory.Exists(pictures)) Directory.Move(pictures, Path.Combine(aside, PicturesName));
        _quarantined++;
        _meters.Quarantined();
        _log.PutAside(error, _options.Folder, aside);
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

    /// <summary>Of SQLite; ENOSPC, EDQUOT or EFBIG on Unix; ERROR_DISK_FULL on Windows.</summary>
    private static bool IsNoRoom(IOException error) =>
        error is StorageException { Fault: StorageFault.Full } || error.HResult is 28 or 122 or 27 or unchecked((int)0x80070070);
}

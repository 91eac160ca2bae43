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
    private const int MaxDropped = 1000;

    private readonly Lock _lock = new();
    private readonly QueueOptions _options;
    private readonly TimeProvider _time;
    private readonly BootClock _clock;
    private readonly List<QueueNews> _news = [];
    private readonly EscalationMeters _meters;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly Reserve _reserve;
    private (QueueDatabase Database, PictureStore Pictures)? _files;
    private Action<QueueNews>? _told;
    private int _quarantined;
    private long _progress;

    private EscalationQueue(QueueOptions options, Instruments instruments)
    {
        (_options, _time, _meters) = (options, instruments.Time, instruments.Meters);
        _clock = new BootClock(instruments.Time, instruments.IsWallKnown);
        _progress = _clock.Now;
        _log = instruments.Logs.CreateLogger<EscalationQueue>();
        PrivateFiles.MakeFolder(options.Folder);
        _reserve = new Reserve(Path.Combine(options.Folder, ReserveName));
        Guarded(() => _files is not null);
        _meters.WatchQueue(Stats);
    }

    private QueueDatabase Database => _files!.Value.Database;

    private PictureStore Pictures => _files!.Value.Pictures;

    /// <summary>Where it is.</summary>
    public string Folder => _options.Folder;

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
            Expire();
            var leased = new List<QueuedEscalation>();
            foreach (var entry in Database.Ready(_options.Order, most))
            {
                if (Pictures.Read(entry.Picture) is { } picture)
                {
                    Database.Lease(entry.Id, TimeSpan.FromSeconds(_options.LeaseSeconds));
                    leased.Add(new QueuedEscalation(Whole(entry, picture), entry.Attempts));
                    continue;
                }

                Bury(entry, QueueDrop.PictureLost, "its picture is missing or damaged");
            }

            return leased;
        });
    }

    /// <summary>An escalation was answered: it and its picture go.</summary>
    public void Complete(string id) => Guarded(() =>
    {
        _progress = _clock.Now;
        return Remove(id);
    });

    /// <summary>An escalation is given up: it becomes a dead letter that keeps its picture.</summary>
    public void Fail(string id, EscalationFailure reason, string detail) => Guarded(() =>
    {
        _progress = _clock.Now;
        Database.Bury(id, reason.ToLabel(), detail);
        _meters.Dropped(QueueDrop.Dead);
        return true;
    });

    /// <summary>An escalation waits again.</summary>
    /// <param name="id">Which.</param>
    /// <param name="isItsFault">Whether the failure counts towards its attempts.</param>
    public void Release(string id, bool isItsFault) => Guarded(() =>
    {
        Database.Release(id, isItsFault ? 1 : 0);
        return true;
    });

    /// <summary>Names who hears what happens here without anybody having asked for it; called outside of the lock.</summary>
    public void Watch(Action<QueueNews> told)
    {
        lock (_lock) _told = told;
        Guarded(() => true);
    }

    /// <summary>Folders of damaged queues that were put aside and not yet taken away.</summary>
    public IReadOnlyList<string> PutAsideFolders() => Quarantine.Folders(_options.Folder);

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
        var (waiting, dead, lost, oldest) = Database.Counts(QueueDrop.PictureLost.ToLabel());
        return new QueueStats(waiting, dead, Database.PictureBytes(), oldest, _quarantined)
        {
            LostPictures = lost,
            SinceProgress = TimeSpan.FromMilliseconds(_clock.Now - _progress),
        };
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
        Expire();
        var dropped = 0;
        while (IsFull(escalation.Picture.Length))
        {
            var oldest = _options.WhenFull == WhenFull.DropOldest && dropped < MaxDropped ? Database.LeastWorth() : null;
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
        var (waiting, dead, _, _) = Database.Counts("");
        return waiting + dead >= _options.MaxCount || Database.PictureBytes() + more > _options.MaxBytes;
    }

    /// <summary>What is too old becomes a dead letter, and goes when it is as old once more.</summary>
    private void Expire()
    {
        var age = TimeSpan.FromHours(_options.MaxAgeHours);
        foreach (var entry in Database.Older(age, areDead: false)) Bury(entry, QueueDrop.Expired, $"it waited for {_options.MaxAgeHours} h");
        foreach (var entry in Database.Older(2 * age, areDead: true)) GiveUp(entry, QueueDrop.Expired, "nobody decided about the dead letter");
    }

    /// <summary>It becomes a dead letter without having been asked.</summary>
    private void Bury(QueueEntry entry, QueueDrop reason, string detail)
    {
        Database.Bury(entry.Id, reason.ToLabel(), detail);
        Tell(entry, reason, detail);
    }

    private void GiveUp(QueueEntry entry, QueueDrop reason, string detail)
    {
        Remove(entry.Id);
        Tell(entry, reason, detail);
    }

    private void Tell(QueueEntry entry, QueueDrop reason, string detail)
    {
        _meters.Dropped(reason);
        _log.GivenUp(entry.Id, entry.Created, reason.ToLabel(), detail);
        _news.Add(new QueueNews.GivenUp(entry, reason, detail));
    }

    private bool Remove(string id)
    {
        if (Database.Find(id) is not { } entry) return false;
        Database.Delete(id);
        if (!Database.HasPicture(entry.Picture)) Pictures.Remove(entry.Picture);
        return true;
    }

    /// <summary>Under the lock; what happened is told afterwards.</summary>
    private T Guarded<T>(Func<T> work, bool maySpend = true)
    {
        QueueNews[] news;
        Action<QueueNews>? told;
        T result;
        lock (_lock)
        {
            try
            {
                result = Mended(work, maySpend);
            }
            catch (IOException error) when (IsNoRoom(error))
            {
                _news.Add(new QueueNews.DiskFull());
                TellLater();
                throw;
            }
            (news, told) = (_told is null ? [] : [.. _news], _told);
            if (told is not null) _news.Clear();
        }
        foreach (var each in news) told!(each);
        return result;
    }

    /// <summary>An exception is on its way: whoever hears it must not hold it up.</summary>
    private void TellLater()
    {
        if (_told is not { } told) return;
        QueueNews[] news = [.. _news];
        _news.Clear();
        _ = Task.Run(() => Array.ForEach(news, told));
    }

    /// <summary>With the files open; once more when they turn out to be damaged, with new ones, or when the reserve gave room.</summary>
    private T Mended<T>(Func<T> work, bool maySpend)
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
            _news.Add(new QueueNews.DiskFull());
            return Opened(work);
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
        var database = new QueueDatabase(Path.Combine(_options.Folder, DatabaseName), _clock);
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

    private void PutAside(StorageException error)
    {
        _files?.Database.Dispose();
        _files = null;
        var aside = Quarantine.Move(_options.Folder, [DatabaseName, PicturesName], _time.GetUtcNow());
        _quarantined++;
        _meters.Quarantined();
        _log.PutAside(error, _options.Folder, aside);
        _news.Add(new QueueNews.PutAside(aside));
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

using Microsoft.Extensions.Logging;
using Vlm.Edge.Storage;
using Vlm.Hosting;
using Vlm.Text;

namespace Vlm.Edge.Escalations;

/// <summary>
/// The durable queue of escalations: what it accepts outlives a kill and a power cut, and is sent under the same key. Entries are rows of the box's database,
/// pictures files in a folder of their own. Thread-safe.
/// </summary>
/// <remarks>
/// The picture is on the disk before its entry is, and the entry is removed before its picture: whenever the process ends, at worst a picture without an
/// entry is left, which the next start removes. A damaged database is put aside with these pictures, and the queue goes on with a new one. A full disk turns
/// new ones away; what is queued can still be sent and removed, in the room that is kept for it.
/// </remarks>
internal sealed class EscalationQueue : IDisposable
{
    private const int MaxDropped = 1000;

    private readonly Lock _lock = new();
    private readonly BoxDatabase _box;
    private readonly QueueOptions _options;
    private readonly PictureStore _pictures;
    private readonly TimeProvider _time;
    private readonly BootClock _clock;
    private readonly List<QueueNews> _news = [];
    private readonly EscalationMeters _meters;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly long _opened;
    private QueueRows? _rows;
    private Action<QueueNews>? _told;
    private long _progress;

    /// <param name="box">Where the rows are; stays its owner's.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="instruments">Clock, numbers and log.</param>
    /// <exception cref="IOException">The database or the folder of the pictures cannot be used.</exception>
    public EscalationQueue(BoxDatabase box, QueueOptions options, Instruments instruments)
    {
        (_box, _options, _time, _meters) = (box, options, instruments.Time, instruments.Meters);
        _clock = new BootClock(instruments.Time, instruments.IsWallKnown);
        _opened = _progress = _clock.Now;
        _log = instruments.Logs.CreateLogger<EscalationQueue>();
        PrivateFiles.MakeFolder(options.Folder);
        _pictures = new PictureStore(Path.Combine(options.Folder, BoxFolders.Pictures));
        Guarded(() =>
        {
            Rows.ReleaseAll();
            _pictures.Sweep(Rows.Pictures());
            return true;
        });
        _meters.WatchQueue(Stats);
    }

    /// <summary>Within a piece of work.</summary>
    private QueueRows Rows => _rows!;

    /// <summary>Takes an escalation, or says why not. When it says that it is accepted, it is on the disk.</summary>
    public EnqueueResult TryEnqueue(Escalation escalation)
    {
        ArgumentNullException.ThrowIfNull(escalation);
        ArgumentException.ThrowIfNullOrEmpty(escalation.Id);
        EnqueueResult result;
        var cause = "";
        try
        {
            result = Guarded(() => Enqueue(escalation), DiskUse.Keep);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Clients are told what it is, the log also where.
            cause = error.Message;
            result = error is IOException io && StorageException.IsNoRoom(io)
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
            foreach (var entry in Rows.Ready(_options.Order, most))
            {
                if (_pictures.Read(entry.Picture) is { } picture)
                {
                    Rows.Lease(entry.Id, TimeSpan.FromSeconds(_options.LeaseSeconds));
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
        Rows.Bury(id, reason.ToLabel(), detail);
        _meters.Dropped(QueueDrop.Dead);
        return true;
    });

    /// <summary>An escalation waits again.</summary>
    /// <param name="id">Which.</param>
    /// <param name="isItsFault">Whether the failure counts towards its attempts.</param>
    public void Release(string id, bool isItsFault) => Guarded(() =>
    {
        Rows.Release(id, isItsFault ? 1 : 0);
        return true;
    });

    /// <summary>Names who hears what happens here without anybody having asked for it; called outside of the lock.</summary>
    public void Watch(Action<QueueNews> told)
    {
        lock (_lock) _told = told;
        Guarded(() => true, DiskUse.Read);
    }

    /// <summary>The oldest dead letters.</summary>
    public IReadOnlyList<DeadLetter> DeadLetters(int most) => Guarded(() => Rows.Dead(most), DiskUse.Read);

    /// <summary>Queues dead letters again, say after a wrong key was corrected.</summary>
    /// <param name="id">Which one; null for all.</param>
    /// <returns>How many.</returns>
    public int Resend(string? id)
    {
        var revived = Guarded(() => Rows.Revive(id));
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
        var ids = Rows.DeadIds(id);
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
        var (waiting, dead, lost, oldest) = Rows.Counts(QueueDrop.PictureLost.ToLabel());
        return new QueueStats(waiting, dead, Rows.PictureBytes(), oldest, _box.TimesDamaged)
        {
            LostPictures = lost,
            SinceProgress = TimeSpan.FromMilliseconds(_clock.Now - _progress),
        };
    }, DiskUse.Read);

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

    public void Dispose() => _changed.Dispose();

    private EnqueueResult Enqueue(Escalation escalation)
    {
        if (Rows.Contains(escalation.Id)) return new EnqueueResult.Duplicate();
        if (escalation.Picture.Length > _options.MaxBytes)
            return new EnqueueResult.Rejected(QueueDrop.TooLarge, $"the picture has {escalation.Picture.Length} bytes, the queue holds {_options.MaxBytes}");
        Expire();
        var dropped = 0;
        while (IsFull(escalation.Picture.Length))
        {
            var oldest = _options.WhenFull == WhenFull.DropOldest && dropped < MaxDropped ? Rows.LeastWorth() : null;
            if (oldest is null)
                return new EnqueueResult.Rejected(QueueDrop.Full, $"the queue holds {_options.MaxCount} escalations or {_options.MaxBytes} bytes");
            GiveUp(oldest, QueueDrop.DroppedOldest, "a newer one needed its place");
            dropped++;
        }

        _box.KeepReserve();
        var name = _pictures.Keep(escalation.Picture);
        try
        {
            Rows.Insert(new QueueEntry(
                escalation.Id, name, escalation.Picture.Length, escalation.Code, escalation.Created, escalation.LocalAnswer, escalation.Reason, Attempts: 0)
            {
                AskedBy = escalation.AskedBy,
            });
        }
        catch (StorageException error) when (error.Fault != StorageFault.Damaged)
        {
            if (!Rows.HasPicture(name)) _pictures.Remove(name);
            throw;
        }

        return new EnqueueResult.Accepted(dropped);
    }

    private bool IsFull(long more)
    {
        var (waiting, dead, _, _) = Rows.Counts("");
        return waiting + dead >= _options.MaxCount || Rows.PictureBytes() + more > _options.MaxBytes;
    }

    /// <summary>What is too old becomes a dead letter, and goes when it is as old once more.</summary>
    private void Expire()
    {
        var age = TimeSpan.FromHours(_options.MaxAgeHours);
        foreach (var entry in Rows.Older(age, areDead: false)) Bury(entry, QueueDrop.Expired, $"it waited for {_options.MaxAgeHours} h");
        foreach (var entry in Rows.Older(2 * age, areDead: true)) GiveUp(entry, QueueDrop.Expired, "nobody decided about the dead letter");
    }

    /// <summary>It becomes a dead letter without having been asked.</summary>
    private void Bury(QueueEntry entry, QueueDrop reason, string detail)
    {
        Rows.Bury(entry.Id, reason.ToLabel(), detail);
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
        if (Rows.Find(id) is not { } entry) return false;
        Rows.Delete(id);
        if (!Rows.HasPicture(entry.Picture)) _pictures.Remove(entry.Picture);
        return true;
    }

    /// <summary>Under the lock, in the database; what happened is told afterwards.</summary>
    private T Guarded<T>(Func<T> work, DiskUse use = DiskUse.Settle)
    {
        QueueNews[] news;
        Action<QueueNews>? told;
        T result;
        lock (_lock)
        {
            result = _box.Use(use, file =>
            {
                file.IsDurable = true;
                _rows = new QueueRows(file, _clock, _opened);
                return work();
            });
            (news, told) = (_told is null ? [] : [.. _news], _told);
            if (told is not null) _news.Clear();
        }
        foreach (var each in news) told!(each);
        return result;
    }

    private void Signal()
    {
        lock (_lock)
        {
            if (_changed.CurrentCount == 0) _changed.Release();
        }
    }

    private static Escalation Whole(QueueEntry entry, byte[] picture) =>
        new(entry.Id, picture, entry.Code, entry.Created, entry.LocalAnswer, entry.Reason) { AskedBy = entry.AskedBy };
}

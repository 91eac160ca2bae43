using System.Threading.Channels;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Work;

/// <summary>
/// The bounded way to the worker. A request takes a place when its body is here and not before: clients that send slowly take none from others, and what bodies
/// cost is bounded by the memory that they share. First come, first served; who leaves is taken out at once.
/// </summary>
internal sealed class SolveQueue(QueueOptions options, Instruments instruments)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<SolveJob> _waiting = [];
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private int _places, _coming;

    /// <summary>How fast it moves.</summary>
    public ServiceRate Rate { get; } = new();

    /// <summary>Requests that hold a place: those who wait and those being answered.</summary>
    public int Places => Volatile.Read(ref _places);

    private int Expected => Places + Volatile.Read(ref _coming);

    private int MaxPlaces => options.Capacity + options.Batch;

    /// <summary>Notes a request whose body is on its way, until it is disposed.</summary>
    public IDisposable Expect()
    {
        Interlocked.Increment(ref _coming);
        return new OnEnd(() => Interlocked.Decrement(ref _coming));
    }

    /// <summary>Refuses a request before its body is read, when it would find no place.</summary>
    /// <exception cref="ApiException">There is none, or the wait would outlast the deadline.</exception>
    public void CheckRoom(TimeSpan deadline)
    {
        if (Places >= MaxPlaces) throw Full();
        CheckWait(deadline);
    }

    /// <summary>Takes a place; dispose it to give it back.</summary>
    /// <exception cref="ApiException">There is none, or the wait would outlast the deadline.</exception>
    public IDisposable Enter(TimeSpan deadline)
    {
        CheckWait(deadline);
        if (Interlocked.Increment(ref _places) <= MaxPlaces) return new OnEnd(() => Interlocked.Decrement(ref _places));
        Interlocked.Decrement(ref _places);
        throw Full();
    }

    /// <summary>Puts a job at the end. Its caller holds a place, so there is room.</summary>
    public void Add(SolveJob job)
    {
        LinkedListNode<SolveJob> node;
        lock (_gate)
        {
            node = _waiting.AddLast(job);
            instruments.Metrics.Waiting(_waiting.Count);
        }
        job.Stop.Register(() => Remove(node));
        _changed.Writer.TryWrite(true);
    }

    /// <summary>Waits for a job and takes it together with the others that wait, or that come within the window if some are on their way.</summary>
    public async Task<IReadOnlyList<SolveJob>> TakeAsync(CancellationToken cancellation)
    {
        await WaitFor(1, cancellation);
        int waiting;
        lock (_gate) waiting = _waiting.Count;
        if (waiting < options.Batch && Expected > waiting && options.WindowMilliseconds > 0)
        {
            using var window = new CancellationTokenSource(TimeSpan.FromMilliseconds(options.WindowMilliseconds), instruments.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(window.Token, cancellation);
            try
            {
                await WaitFor(Math.Min(options.Batch, Expected), either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // The window has closed: who is there goes.
            }
        }
        return Take();
    }

    private async Task WaitFor(int count, CancellationToken cancellation)
    {
        // Ends when so many wait, or with the token.
        while (true)
        {
            lock (_gate)
            {
                if (_waiting.Count >= count) return;
            }
            await _changed.Reader.ReadAsync(cancellation);
        }
    }

    private List<SolveJob> Take()
    {
        var taken = new List<SolveJob>(options.Batch);
        lock (_gate)
        {
            while (taken.Count < options.Batch && _waiting.First is { } first)
            {
                _waiting.RemoveFirst();
                taken.Add(first.Value);
            }
            instruments.Metrics.Waiting(_waiting.Count);
        }
        return taken;
    }

    private void Remove(LinkedListNode<SolveJob> node)
    {
        lock (_gate)
        {
            if (node.List is null) return;
            _waiting.Remove(node);
            instruments.Metrics.Waiting(_waiting.Count);
        }
    }

    private ApiException Full() => new(ErrorReason.QueueFull, $"{options.Capacity} requests wait already. Try again after the time in Retry-After.",
        retryAfter: Rate.RetryAfter(options.Capacity));

    private void CheckWait(TimeSpan deadline)
    {
        int ahead;
        lock (_gate) ahead = _waiting.Count;
        if (Rate.Wait(ahead) is var wait && wait > deadline)
        {
            throw new ApiException(ErrorReason.DeadlineTooShort,
                $"The wait is about {wait.TotalSeconds:0.0} s and the deadline {deadline.TotalSeconds:0.0} s. Try again later, or with a longer deadline.",
                    retryAfter: Rate.RetryAfter(ahead));
        }
    }

    private sealed class OnEnd(Action end) : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0) end();
        }
    }
}

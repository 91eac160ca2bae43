
namespace Vlm.Trainer.Data;

/// <summary>
/// Batches, or prompts, in order, made ahead by worker threads. Number n is a function of the configuration and n alone, so a resumed run sees what an unbroken
/// one saw.
/// </summary>
internal sealed class BatchStream<T> : IDisposable
{
    private readonly Func<long, T> _make;
    private readonly Queue<Task<T>> _made = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _drawers;
    private readonly int _depth;
    private long _next;

    /// <param name="make">Makes batch n; called from several threads.</param>
    /// <param name="first">First n.</param>
    /// <param name="drawers">Threads that make batches.</param>
    /// <param name="ahead">Batches that wait made, besides those in the making. ≥ 1.</param>
    public BatchStream(Func<long, T> make, long first, int drawers, int ahead = 3)
    {
        _make = make;
        _drawers = new SemaphoreSlim(drawers);
        _depth = drawers + ahead;
        _next = first;
    }

    /// <summary>Time that the trainer has waited for pictures: the drawers starve it when this grows.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>The next batch.</summary>
    public T Next()
    {
        while (_made.Count < _depth) _made.Enqueue(Start(_next++));
        var began = TimeProvider.System.GetTimestamp();
        var batch = _made.Dequeue().GetAwaiter().GetResult();
        Waited += TimeProvider.System.GetElapsedTime(began);
        return batch;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private async Task<T> Start(long n)
    {
        var token = _stop.Token;
        await _drawers.WaitAsync(token).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => _make(n), token).ConfigureAwait(false);
        }
        finally
        {
            _drawers.Release();
        }
    }
}


namespace Vlm.Trainer.Data;

/// <summary>Batches, or prompts, in order, made ahead by worker threads. Number n is a function of the configuration and n alone, so a resumed run sees what an unbroken one saw.</summary>
internal sealed class BatchStream<T> : IDisposable
{
    private readonly Func<long, T> make;
    private readonly Queue<Task<T>> made = new();
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim drawers;
    private readonly int depth;
    private long next;

    /// <param name="make">Makes batch n; called from several threads.</param>
    /// <param name="first">First n.</param>
    /// <param name="drawers">Threads that make batches.</param>
    /// <param name="ahead">Batches that wait made, besides those in the making. ≥ 1.</param>
    public BatchStream(Func<long, T> make, long first, int drawers, int ahead = 3)
    {
        this.make = make;
        this.drawers = new SemaphoreSlim(drawers);
        depth = drawers + ahead;
        next = first;
    }

    /// <summary>Time that the trainer has waited for pictures: the drawers starve it when this grows.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>The next batch.</summary>
    public T Next()
    {
        while (made.Count < depth) made.Enqueue(Start(next++));
        var began = TimeProvider.System.GetTimestamp();
        var batch = made.Dequeue().GetAwaiter().GetResult();
        Waited += TimeProvider.System.GetElapsedTime(began);
        return batch;
    }

    public void Dispose()
    {
        stop.Cancel();
        stop.Dispose();
    }

    private async Task<T> Start(long n)
    {
        var token = stop.Token;
        await drawers.WaitAsync(token).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => make(n), token).ConfigureAwait(false);
        }
        finally
        {
            drawers.Release();
        }
    }
}

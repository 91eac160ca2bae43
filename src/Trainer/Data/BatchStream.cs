namespace Vlm.Trainer.Data;

/// <summary>Batches of one stage in order, made ahead by worker threads. Batch n is a function of (seed, stage, n) alone, so a resumed run sees what an unbroken one saw.</summary>
internal sealed class BatchStream : IDisposable
{
    private readonly Func<long, TrainingBatch> make;
    private readonly Queue<Task<TrainingBatch>> ahead = new();
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim drawers;
    private readonly int depth;
    private long next;

    /// <param name="make">Makes batch n; called from several threads.</param>
    /// <param name="first">First n.</param>
    /// <param name="drawers">Threads that make batches.</param>
    public BatchStream(Func<long, TrainingBatch> make, long first, int drawers)
    {
        this.make = make;
        this.drawers = new SemaphoreSlim(drawers);
        depth = drawers + 3;
        next = first;
    }

    /// <summary>Time that the trainer has waited for pictures: the drawers starve it when this grows.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>The next batch.</summary>
    public TrainingBatch Next()
    {
        while (ahead.Count < depth) ahead.Enqueue(Start(next++));
        var began = TimeProvider.System.GetTimestamp();
        var batch = ahead.Dequeue().GetAwaiter().GetResult();
        Waited += TimeProvider.System.GetElapsedTime(began);
        return batch;
    }

    public void Dispose()
    {
        stop.Cancel();
        stop.Dispose();
    }

    private async Task<TrainingBatch> Start(long n)
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

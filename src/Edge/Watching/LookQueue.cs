namespace Vlm.Edge.Watching;

/// <summary>The turns, shared by the cameras that want looks and the workers that look.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class LookQueue(LookTurns turns, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = New();

    /// <summary>Cameras that wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return turns.Waiting;
        }
    }

    /// <summary>How fast turns come; 1 as configured.</summary>
    public double Pace
    {
        get
        {
            lock (_lock) return turns.Pace;
        }
        set
        {
            lock (_lock) turns.Pace = value;
            Change();
        }
    }

    /// <summary>How long a camera has waited for its turn; zero when it wants none.</summary>
    public TimeSpan WaitOf(string camera)
    {
        lock (_lock) return turns.WaitOf(camera, Now);
    }

    /// <summary>Whether a look of this camera is under way.</summary>
    public bool IsLooking(string camera)
    {
        lock (_lock) return turns.IsLooking(camera);
    }

    /// <summary>A camera wants a look.</summary>
    /// <returns>Whether it takes the place of one that waited.</returns>
    public bool Offer(WantedLook look)
    {
        bool replaced;
        lock (_lock) replaced = turns.Offer(look, Now) is not null;
        Change();
        return replaced;
    }

    /// <summary>A camera wants none any more.</summary>
    /// <returns>Whether one waited.</returns>
    public bool Cancel(string camera)
    {
        lock (_lock) return turns.Cancel(camera) is not null;
    }

    /// <summary>Other cameras from now on, with their looks a minute.</summary>
    public void Change(IReadOnlyDictionary<string, double> next)
    {
        lock (_lock) turns.Change(next);
        Change();
    }

    /// <summary>Waits for the next look. Whoever gets one calls <see cref="Done"/> when it is over.</summary>
    public async Task<DueLook> TakeAsync(CancellationToken stop)
    {
        while (true)
        {
            Task changed;
            TimeSpan wait;
            lock (_lock)
            {
                var (look, next) = turns.Next(Now);
                if (look is not null) return look;
                (changed, wait) = (_changed.Task, next ?? Timeout.InfiniteTimeSpan);
            }
            try
            {
                await changed.WaitAsync(wait, clock, stop);
            }
            catch (TimeoutException)
            {
                // A camera may have its next look now.
            }
        }
    }

    /// <summary>The look of a camera is over.</summary>
    public void Done(string camera)
    {
        lock (_lock) turns.Done(camera);
        Change();
    }

    private TimeSpan Now => clock.GetElapsedTime(0);

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Change()
    {
        TaskCompletionSource before;
        lock (_lock) (before, _changed) = (_changed, New());
        before.TrySetResult();
    }
}

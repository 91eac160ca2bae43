using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Vlm.Edge.Cameras;

namespace Vlm.Edge.Tests.Cameras;

/// <summary>A source that gives what a test puts in. A test's step is over when the camera has taken it: it asks for the next one then.</summary>
internal sealed class ScriptedSource(Liveness liveness = Liveness.Live) : IFrameSource
{
    private readonly Channel<Func<SourcePicture?>> _script = Channel.CreateUnbounded<Func<SourcePicture?>>();

    private readonly TaskCompletionSource _letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Liveness Liveness => liveness;

    private SemaphoreSlim Asks { get; } = new(0);

    /// <summary>Openings so far.</summary>
    public int Opened { get; private set; }

    /// <summary>Over when it was let go of.</summary>
    public Task LetGo => _letGo.Task;

    public async IAsyncEnumerable<SourcePicture?> Pictures([EnumeratorCancellation] CancellationToken stop)
    {
        Opened++;
        try
        {
            while (true)
            {
                Asks.Release();
                yield return (await _script.Reader.ReadAsync(stop))();
            }
        }
        finally
        {
            _letGo.TrySetResult();
        }
    }

    /// <summary>Waits until the camera asks, then gives it this.</summary>
    public async Task Give(SourcePicture? picture, CancellationToken stop)
    {
        await Asks.WaitAsync(stop);
        _script.Writer.TryWrite(() => picture);
    }

    /// <summary>Waits until the camera asks, then fails.</summary>
    public async Task Fail(Exception error, CancellationToken stop)
    {
        await Asks.WaitAsync(stop);
        _script.Writer.TryWrite(() => throw error);
    }

    /// <summary>Waits until the camera asks; what was given before is taken then.</summary>
    public async Task Asked(CancellationToken stop)
    {
        await Asks.WaitAsync(stop);
        Asks.Release();
    }
}

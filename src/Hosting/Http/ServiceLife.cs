using Microsoft.Extensions.Hosting;

namespace Vlm.Hosting.Http;

/// <summary>What a service does between its start and its end.</summary>
/// <param name="Notice">How long it says that it is not ready before its door closes.</param>
/// <param name="Reload">Reads the configuration again, at SIGHUP; what goes wrong is logged and changes nothing.</param>
public sealed record ServiceLife(TimeSpan Notice, Action Reload);

/// <summary>Whether the service was told to end. Thread-safe.</summary>
public sealed class EndNotice
{
    private volatile bool _isGiven;

    /// <summary>From then on it is not ready.</summary>
    public bool IsGiven => _isGiven;

    internal void Give() => _isGiven = true;
}

/// <summary>Signals are answered by <see cref="WebServer.RunUntilEndAsync"/>: the host's own way would close the door at once.</summary>
internal sealed class SignalsElsewhere : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

using Microsoft.Extensions.Logging;

namespace Vlm.Hosting;

/// <summary>Reads a configuration again while the service runs, and says what came of it.</summary>
/// <param name="change">Reads and puts in force; gives the settings that changed, and those that wait for the next start.</param>
/// <param name="log">Hears both.</param>
public sealed class Reload(Func<(IReadOnlyList<string> Changed, IReadOnlyList<string> Later)> change, ILogger<Reload> log)
{
    private readonly Lock _gate = new();

    /// <summary>Does it; a configuration that cannot be used changes nothing.</summary>
    public void Run()
    {
        lock (_gate)
        {
            try
            {
                var (changed, later) = change();
                log.Reloaded(
                    changed.Count == 0 ? "nothing else but the keys" : string.Join(", ", changed),
                    later.Count == 0 ? "" : $"; in force after a restart: {string.Join(", ", later)}");
            }
            catch (Exception e) when (e is UserException or IOException or UnauthorizedAccessException)
            {
                log.NotReloaded(e.Message);
            }
        }
    }
}

using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Escalations;

/// <summary>What client, queue and worker are measured, timed and reported with.</summary>
/// <param name="Meters">Numbers.</param>
/// <param name="Time">Clock.</param>
/// <param name="Random">Draws from [0, 1), from several threads: the jitter, by which boxes come back at different times.</param>
/// <param name="Logs">Makes logs.</param>
internal sealed record Instruments(EscalationMeters Meters, TimeProvider Time, Func<double> Random, ILoggerFactory Logs)
{
    /// <summary>Whether the wall clock can be believed.</summary>
    public Func<bool> IsWallKnown { get; init; } = static () => true;

    /// <summary>Draws from a seed.</summary>
    public static Func<double> Draws(int seed)
    {
        var random = new Random(seed);
        var gate = new Lock();
        return () =>
        {
            lock (gate) return random.NextDouble();
        };
    }
}

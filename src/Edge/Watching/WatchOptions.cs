using System.Text.Json.Serialization;
using Vlm.Hosting;

namespace Vlm.Edge.Watching;

/// <summary>How all cameras are watched together.</summary>
internal sealed record WatchOptions
{
    /// <summary>Looks under way at once, each of another camera; 1 to 16; 3 by default. The model reads one at a time; others wait for the network.</summary>
    public int AtOnce { get; init; } = 3;

    /// <summary>
    /// Celsius from which cameras are looked at a quarter as often, until it is 5 less; 30 to 150. Null (the default): where the system slows itself down, or
    /// 85 where it does not say.
    /// </summary>
    public double? SlowAtCelsius { get; init; }

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems() =>
        Check.Ranges(("at_once", AtOnce, 1, 16), ("slow_at_celsius", SlowAtCelsius ?? 85, 30, 150));
}

/// <summary>Cameras that were paused; kept across restarts.</summary>
internal sealed record PausedCameras(IReadOnlyList<string> Cameras);

/// <summary>What is kept of the watching, and what the broker is told.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PausedCameras))]
[JsonSerializable(typeof(AnswerTopic))]
[JsonSerializable(typeof(CameraTopic))]
internal sealed partial class WatchJson : JsonSerializerContext;

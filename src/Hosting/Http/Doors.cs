using Microsoft.Extensions.Logging;

namespace Vlm.Hosting.Http;

/// <summary>Who is let in.</summary>
/// <param name="Listen">The address that is listened at.</param>
/// <param name="Hosts">Names under which clients reach it besides.</param>
/// <param name="Keys">Where the keys are.</param>
/// <param name="Rate">How often a key may ask.</param>
public sealed record DoorOptions(string Listen, IReadOnlyList<string> Hosts, KeySource Keys, RateOptions Rate);

/// <summary>Names, keys and rates in force. Thread-safe; all of them are exchanged in one step.</summary>
public sealed class Doors
{
    private readonly TimeProvider _time;
    private readonly ILogger<ApiKeys> _log;
    private volatile InForce _now;

    /// <exception cref="ConfigException">The keys cannot be read.</exception>
    public Doors(DoorOptions options, TimeProvider time, ILoggerFactory logs)
    {
        (_time, _log) = (time, logs.CreateLogger<ApiKeys>());
        _now = Read(options);
    }

    /// <summary>Whether clients without a key are sent away.</summary>
    public bool AreKeysRequired => _now.Keys.IsRequired;

    internal InForce Now => _now;

    /// <summary>Puts other options in force, and reads the keys.</summary>
    /// <exception cref="ConfigException">The keys cannot be read; the old ones stay in force.</exception>
    public void Change(DoorOptions options)
    {
        var before = _now;
        var next = Read(options);
        // A reload is no reason to fill every bucket.
        _now = before.Options.Rate == options.Rate ? next with { Rates = before.Rates } : next;
    }

    private InForce Read(DoorOptions options) =>
        new(options, new ApiKeys(options.Keys, _time, _log), new RateLimits(options.Rate, _time), new HostNames(options.Listen, options.Hosts));

    internal sealed record InForce(DoorOptions Options, ApiKeys Keys, RateLimits Rates, HostNames Names);
}

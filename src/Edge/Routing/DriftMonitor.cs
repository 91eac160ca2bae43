using Vlm.Gating;
using Vlm.Statistics;

namespace Vlm.Edge.Routing;

/// <summary>
/// Watches whether the gate keeps its promise: audits are disagreements with the larger model, and a test by betting may be looked at after each.
/// </summary>
/// <remarks>
/// Thread-safe. Two strata: answers near the threshold are audited more often. The test must see every accepted answer with the same chance, or it would
/// test another risk than the promised one; so from the richer stratum it takes only the audits whose draw falls below the common share.
/// </remarks>
internal sealed class DriftMonitor
{
    private const int MostSteps = 8;
    private readonly Lock _lock = new();
    private readonly DriftOptions _options;
    private readonly double _risk;
    private readonly StateFile<DriftState> _file;
    private readonly TimeProvider _clock;
    private DriftState _state;

    /// <param name="options">How answers are audited.</param>
    /// <param name="gate">The gate that is watched.</param>
    /// <param name="gateHash">What tells this gate from others.</param>
    /// <param name="file">Where the state is kept.</param>
    /// <param name="clock">For the time of an alarm.</param>
    public DriftMonitor(DriftOptions options, Gate gate, string gateHash, StateFile<DriftState> file, TimeProvider clock)
    {
        (_options, Gate, _file, _clock) = (options, gate, file, clock);
        _risk = Math.Min(0.99, gate.Certificate.Risk + options.ReferenceError);
        _state = file.Load() is { } saved && saved.Gate == gateHash ? saved : new DriftState(gateHash, 0, 0, Fresh(0), 0, null);
    }

    /// <summary>The gate that is watched.</summary>
    public Gate Gate { get; }

    /// <summary>All that was found.</summary>
    public DriftState State
    {
        get
        {
            lock (_lock) return _state;
        }
    }

    /// <summary>Whether the certificate still stands.</summary>
    public bool IsPromiseKept => State.Alarms == 0;

    /// <summary>Confidence that an answer needs now; above 1 when nothing is accepted any more.</summary>
    public double Threshold => (_options.OnAlarm, State.Alarms) switch
    {
        (OnAlarm.Report, _) or (_, 0) => Gate.Threshold,
        (OnAlarm.EscalateAll, _) or (_, > MostSteps) => double.PositiveInfinity,
        var (_, alarms) => 1 - ((1 - Gate.Threshold) / Math.Pow(2, alarms)),
    };

    /// <summary>Share of answers as confident as this one that are audited.</summary>
    public double GetShare(double confidence) =>
        _options.Share > 0 && 1 - confidence >= (1 - Threshold) / 2 ? _options.ShareNearThreshold : _options.Share;

    /// <summary>Takes in one audit.</summary>
    /// <param name="disagrees">Whether the larger model answered otherwise.</param>
    /// <param name="draw">The draw by which the answer was chosen.</param>
    /// <returns>Whether this audit raised the alarm.</returns>
    public bool Observe(bool disagrees, double draw)
    {
        lock (_lock)
        {
            var test = draw < _options.Share ? _state.Test.After(disagrees) : _state.Test;
            var isAlarm = test.IsAlarm;
            var alarms = _state.Alarms + (isAlarm ? 1 : 0);
            _state = _state with
            {
                Audits = _state.Audits + 1,
                Disagreements = _state.Disagreements + (disagrees ? 1 : 0),
                Test = isAlarm ? Fresh(alarms) : test,
                Alarms = alarms,
                LastAlarm = isAlarm ? _clock.GetUtcNow() : _state.LastAlarm,
            };
            _file.Save(_state);
            return isAlarm;
        }
    }

    // Every new test has half the chance of a false alarm of the one before, so that all together stay below the promised one.
    private BettingTest Fresh(int alarms) => new(_risk, _options.FalseAlarm / Math.Pow(2, alarms + 1));
}

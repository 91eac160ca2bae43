using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Queries;

/// <summary>What the last attempts told about the way to the larger model, so that not every client waits to find out again.</summary>
/// <remarks>Thread-safe. A bad state holds for a few seconds only; then the next question tries again.</remarks>
internal sealed class LinkState(TimeProvider clock)
{
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(5), LongestHold = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private Link _link = Link.Online;
    private long _since;
    private TimeSpan _hold;

    public Link Now
    {
        get
        {
            lock (_lock) return _link != Link.Online && clock.GetElapsedTime(_since) < _hold ? _link : Link.Online;
        }
    }

    public void Note(EscalationResult result)
    {
        // Nothing was tried.
        if (result is EscalationResult.Failed { Reason: EscalationFailure.Budget }) return;
        lock (_lock)
        {
            _since = clock.GetTimestamp();
            _link = result switch
            {
                EscalationResult.Failed { Reason: EscalationFailure.Offline } => Link.Offline,
                EscalationResult.Failed { Reason: EscalationFailure.BreakerOpen } => Link.BreakerOpen,
                _ => Link.Online,
            };
            var asked = (result as EscalationResult.Failed)?.RetryAfter ?? Hold;
            _hold = asked < LongestHold ? asked : LongestHold;
        }
    }
}

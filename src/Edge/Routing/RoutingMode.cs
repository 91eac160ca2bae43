using Vlm.Text;

namespace Vlm.Edge.Routing;

/// <summary>What the box does with an answer that its gate does not accept.</summary>
internal enum RoutingMode
{
    /// <summary>Nothing leaves the box; unconfident answers are marked.</summary>
    LocalOnly,

    /// <summary>
    /// Unconfident questions go to the larger model while the client waits, within the deadline; otherwise the local answer is given, marked.
    /// </summary>
    Escalate,

    /// <summary>The local answer at once, marked; the larger model is asked in the background, and its answer comes as an event.</summary>
    AnswerNow,

    /// <summary>Every question goes to the larger model while the client waits; the local answer is what remains when that fails.</summary>
    EscalateAll,
}

/// <summary>Where a mode can be used.</summary>
internal static class RoutingModes
{
    /// <summary>Why the mode cannot be used on a box; null when it can.</summary>
    public static string? FindObstacle(this RoutingMode mode, bool hasGate, bool hasLarger) => (mode, hasGate, hasLarger) switch
    {
        (not RoutingMode.LocalOnly, _, false) => $"the mode {mode.ToOption()} asks a larger model, and this box has none",
        (RoutingMode.Escalate or RoutingMode.AnswerNow, false, _) =>
            $"the mode {mode.ToOption()} needs a gate to tell which answers to escalate, and the package has no gate.json",
        _ => null,
    };
}

/// <summary>Whether the larger model can be reached, as the last attempts showed.</summary>
internal enum Link
{
    Online,

    /// <summary>The last attempts found no connection.</summary>
    Offline,

    /// <summary>The circuit breakers of all endpoints are open.</summary>
    BreakerOpen,
}

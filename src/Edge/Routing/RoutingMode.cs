namespace Vlm.Edge.Routing;

/// <summary>What the box does with an answer that its gate does not accept.</summary>
internal enum RoutingMode
{
    /// <summary>Nothing leaves the box; unconfident answers are marked.</summary>
    LocalOnly,

    /// <summary>Unconfident questions go to the larger model while the client waits, within the deadline; otherwise the local answer is given, marked.</summary>
    Escalate,

    /// <summary>The local answer at once, marked; the larger model is asked behind, and its answer comes as an event.</summary>
    AnswerNow,

    /// <summary>Every question goes to the larger model while the client waits; the local answer is what remains when that fails.</summary>
    EscalateAll,
}

/// <summary>Whether the larger model can be reached, as the last attempts told.</summary>
internal enum Link
{
    Online,

    /// <summary>The last attempts found no connection.</summary>
    Offline,

    /// <summary>The circuit breakers of all endpoints are open.</summary>
    BreakerOpen,
}

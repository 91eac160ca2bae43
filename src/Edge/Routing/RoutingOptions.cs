using Vlm.Hosting;

namespace Vlm.Edge.Routing;

/// <summary>How questions are routed unless they say otherwise.</summary>
internal sealed record RoutingOptions
{
    public RoutingMode Mode { get; init; } = RoutingMode.Escalate;

    /// <summary>How long a client waits at most, in seconds, when it does not say; 0.05 to 600; 30 by default.</summary>
    public double DeadlineSeconds { get; init; } = 30;

    /// <summary>With less time than this left, in seconds, the larger model is not asked; 0 to 60; 0.3 by default.</summary>
    public double LeastEscalationSeconds { get; init; } = 0.3;

    /// <summary>
    /// Whether the larger model is asked about pictures in which the box saw no letter at all; false by default. Pictures that hide some letters always go
    /// there.
    /// </summary>
    public bool EscalateNoDecoder { get; init; }

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        foreach (var problem in Check.Ranges(("deadline_seconds", DeadlineSeconds, 0.05, 600), ("least_escalation_seconds", LeastEscalationSeconds, 0, 60)))
            yield return problem;
        if (LeastEscalationSeconds >= DeadlineSeconds)
            yield return $"least_escalation_seconds {LeastEscalationSeconds} is not below deadline_seconds {DeadlineSeconds}: nothing would ever be escalated";
    }
}

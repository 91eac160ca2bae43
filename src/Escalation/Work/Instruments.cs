namespace Vlm.Escalation.Work;

/// <summary>What everything is measured and reported with.</summary>
internal sealed record Instruments(ServerMetrics Metrics, TimeProvider Time, ILoggerFactory Logs);

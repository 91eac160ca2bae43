using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Escalations;

/// <summary>What the queue and its worker log.</summary>
internal static partial class Log
{
    [LoggerMessage(21, LogLevel.Error, "The queue cannot be worked on")]
    public static partial void QueueUnusable(this ILogger log, Exception error);

    [LoggerMessage(22, LogLevel.Information, "Escalations pause for {Seconds:F1} s after {Failures} failures in a row")]
    public static partial void Pauses(this ILogger log, double seconds, int failures);

    [LoggerMessage(23, LogLevel.Information, "Escalation {Id} failed: {Reason}, {Detail}")]
    public static partial void Failed(this ILogger log, string id, string reason, string detail);

    [LoggerMessage(25, LogLevel.Error, "The result of escalation {Id} could not be passed on: {Result}")]
    public static partial void NotPassedOn(this ILogger log, Exception error, string id, EscalationResult result);

    [LoggerMessage(26, LogLevel.Warning, "Escalation {Id} is not queued: {Reason}, {Detail}")]
    public static partial void NotQueued(this ILogger log, string id, string reason, string detail);

    [LoggerMessage(27, LogLevel.Warning, "Escalation {Id} of {Created:u} is given up: {Reason}, {Detail}")]
    public static partial void GivenUp(this ILogger log, string id, DateTimeOffset created, string reason, string detail);

    [LoggerMessage(30, LogLevel.Information, "{Count} dead letters are queued again")]
    public static partial void Resent(this ILogger log, int count);

    [LoggerMessage(31, LogLevel.Information, "{Count} dead letters were dropped by the operator")]
    public static partial void Dropped(this ILogger log, int count);
}

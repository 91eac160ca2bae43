using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Cameras;

/// <summary>What cameras log. Never a password: sources keep them out of what they say.</summary>
internal static partial class Log
{
    [LoggerMessage(61, LogLevel.Information, "Camera {Camera}: {Condition} ({Reason}) {Detail}")]
    public static partial void Condition(this ILogger log, string camera, string condition, string reason, string detail);

    [LoggerMessage(62, LogLevel.Information, "Camera {Camera}: its source ended ({Reason}: {Detail}) and is opened again in {Seconds:F1} s")]
    public static partial void Ended(this ILogger log, string camera, string reason, string detail, double seconds);

    [LoggerMessage(64, LogLevel.Information, "Camera {Camera}: {What}, as the configuration says now")]
    public static partial void Changed(this ILogger log, string camera, string what);

    [LoggerMessage(63, LogLevel.Error, "Camera {Camera}: a fault of this program")]
    public static partial void Fault(this ILogger log, Exception error, string camera);
}

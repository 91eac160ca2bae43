using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Queries;

/// <summary>What the answering of questions logs.</summary>
internal static partial class Log
{
    [LoggerMessage(2, LogLevel.Error, "Alarm ({Kind}): {Message}")]
    public static partial void Alarm(this ILogger log, Exception? error, string kind, string message);
}

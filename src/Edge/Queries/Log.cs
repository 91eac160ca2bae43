using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Queries;

/// <summary>What the answering of questions logs.</summary>
internal static partial class Log
{
    [LoggerMessage(2, LogLevel.Error, "Alarm ({Kind}): {Message}. {Advice}")]
    public static partial void Alarm(this ILogger log, Exception? error, string kind, string message, string advice);

    [LoggerMessage(3, LogLevel.Information, "Over ({Kind}): what stood since {Since:u} is well again")]
    public static partial void Over(this ILogger log, string kind, DateTimeOffset since);
}

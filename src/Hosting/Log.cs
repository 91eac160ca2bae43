using Microsoft.Extensions.Logging;

namespace Vlm.Hosting;

/// <summary>What both services log.</summary>
internal static partial class Log
{
    [LoggerMessage(101, LogLevel.Error, "A request failed")]
    public static partial void Unexpected(this ILogger log, Exception e);

    [LoggerMessage(102, LogLevel.Error, "An answer broke off after it had begun")]
    public static partial void AnswerBroke(this ILogger log, Exception e);

    [LoggerMessage(103, LogLevel.Information, "Keys read again: {Count} in force")]
    public static partial void KeysRead(this ILogger log, int count);

    [LoggerMessage(104, LogLevel.Warning, "The key file cannot be read, the old keys stay in force: {Reason}")]
    public static partial void KeysUnreadable(this ILogger log, string reason);
}

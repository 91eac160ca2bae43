using Microsoft.Extensions.Logging;

namespace Vlm.Hosting;

/// <summary>What both services log.</summary>
internal static partial class Log
{
    [LoggerMessage(101, LogLevel.Error, "The request {Request} failed")]
    public static partial void Unexpected(this ILogger log, Exception e, string request);

    [LoggerMessage(102, LogLevel.Error, "The answer to the request {Request} broke off after it had begun")]
    public static partial void AnswerBroke(this ILogger log, Exception e, string request);

    [LoggerMessage(103, LogLevel.Information, "Keys read again: {Count} in force")]
    public static partial void KeysRead(this ILogger log, int count);

    [LoggerMessage(104, LogLevel.Warning, "The key file cannot be read, the old keys stay in force: {Reason}")]
    public static partial void KeysUnreadable(this ILogger log, string reason);

    [LoggerMessage(105, LogLevel.Information, "Configuration read again: {Changed}{Later}")]
    public static partial void Reloaded(this ILogger log, string changed, string later);

    [LoggerMessage(106, LogLevel.Error, "The configuration cannot be read again, the old one stays in force: {Reason}")]
    public static partial void NotReloaded(this ILogger log, string reason);

    [LoggerMessage(107, LogLevel.Information, "Told to end: not ready for new requests from now on; {Seconds} s until the door closes")]
    public static partial void Ending(this ILogger log, double seconds);

    [LoggerMessage(108, LogLevel.Warning, "'{File}' can be read by other users of this machine. Do: chmod 600")]
    public static partial void ReadableByOthers(this ILogger log, string file);
}

namespace Vlm.Escalation;

/// <summary>What the server logs about itself.</summary>
internal static partial class Log
{
    [LoggerMessage(8, LogLevel.Warning, "API keys are not required: everybody who can reach {Address} can use the model")]
    public static partial void Open(this ILogger log, string address);

    [LoggerMessage(9, LogLevel.Information, "Ending: {Count} requests in flight get up to {Seconds} s")]
    public static partial void Draining(this ILogger log, int count, int seconds);

    [LoggerMessage(10, LogLevel.Information, "Listening on {Address}")]
    public static partial void Listening(this ILogger log, string address);
}

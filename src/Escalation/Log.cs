namespace Vlm.Escalation;

/// <summary>Every message that the server logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Serves '{Model}' from {Folder}, ready after {Milliseconds:0} ms")]
    public static partial void Ready(this ILogger log, string model, string folder, double milliseconds);

    [LoggerMessage(2, LogLevel.Critical, "The model cannot be served: {Reason}")]
    public static partial void ModelUnusable(this ILogger log, string reason);

    [LoggerMessage(3, LogLevel.Error, "A batch of {Count} failed")]
    public static partial void BatchFailed(this ILogger log, Exception e, int count);

    [LoggerMessage(4, LogLevel.Error, "A request failed")]
    public static partial void Unexpected(this ILogger log, Exception e);

    [LoggerMessage(5, LogLevel.Error, "An answer broke off after it had begun")]
    public static partial void AnswerBroke(this ILogger log, Exception e);

    [LoggerMessage(6, LogLevel.Information, "Keys read again: {Count} in force")]
    public static partial void KeysRead(this ILogger log, int count);

    [LoggerMessage(7, LogLevel.Warning, "The key file cannot be read, the old keys stay in force: {Reason}")]
    public static partial void KeysUnreadable(this ILogger log, string reason);

    [LoggerMessage(8, LogLevel.Warning, "API keys are not required: everybody who reaches {Address} can use the model")]
    public static partial void Open(this ILogger log, string address);

    [LoggerMessage(9, LogLevel.Information, "Ending: {Count} requests in flight get up to {Seconds} s")]
    public static partial void Draining(this ILogger log, int count, int seconds);

    [LoggerMessage(10, LogLevel.Information, "Listening on {Address}")]
    public static partial void Listening(this ILogger log, string address);
}

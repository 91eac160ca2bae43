namespace Vlm.Escalation.Work;

/// <summary>What the worker logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Serves '{Model}' from {Folder}, ready after {Milliseconds:0} ms")]
    public static partial void Ready(this ILogger log, string model, string folder, double milliseconds);

    [LoggerMessage(2, LogLevel.Critical, "The model cannot be served: {Reason}")]
    public static partial void ModelUnusable(this ILogger log, string reason);

    [LoggerMessage(4, LogLevel.Information, "{Placement}")]
    public static partial void RunsOn(this ILogger log, string placement);

    [LoggerMessage(5, LogLevel.Error, "{Placement}")]
    public static partial void ProviderFailed(this ILogger log, string placement);

    [LoggerMessage(3, LogLevel.Error, "A batch of {Count} failed")]
    public static partial void BatchFailed(this ILogger log, Exception e, int count);
}
